import type { AuditFact } from './facts.ts'

/** A process that was ended, and when, by the clock of this machine. */
export interface Death {
  readonly worker: string
  readonly atMs: number
}

export interface RecoveryFacts {
  readonly audit: readonly AuditFact[]
  /** The lane of each partition. */
  readonly lanes: ReadonlyMap<string, number>
  /** When offsets of each lane were committed, in order. */
  readonly commits: ReadonlyMap<number, readonly number[]>
}

/** A commit that was on its way when its sender died comes in within this. */
const inFlightMs = 100

/**
 * For each death of a worker that was in the middle of partitions: how long, in ms, until the last of their lanes ran
 * again. A lane runs once its holder has claimed it by a commit, which the dead cannot send.
 */
export function recoveryTimes({ audit, lanes, commits }: RecoveryFacts, deaths: readonly Death[]): readonly number[] {
  const changes = [...Map.groupBy(audit, ({ partitionId }) => partitionId)]
  return deaths.flatMap(({ worker, atMs }) => {
    const times = changes.flatMap(([partitionId, of]) => {
      const last = of.findLast((change) => change.what !== 'CHUNK' && change.atMs <= atMs)
      if (last?.holder !== worker || last.state !== 'running') return []
      const claimed = commits.get(lanes.get(partitionId) ?? -1)?.find((at) => at > atMs + inFlightMs)
      return claimed === undefined ? [] : [claimed - atMs]
    })
    return times.length === 0 ? [] : [Math.round(Math.max(...times))]
  })
}

/** The value that a share of the numbers does not exceed; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
