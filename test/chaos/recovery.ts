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

/** What else was done to the system, and for how long it could be felt, by the clock of this machine. */
export interface Trouble {
  readonly what: string
  readonly fromMs: number
  readonly toMs: number
}

export interface Recovery {
  readonly death: Death
  /** From the death until the last of the lanes it worked on ran again. */
  readonly ms: number
  /** The same from the end of the last other trouble; of those that had ended by then. */
  readonly undisturbedMs: number
  /** Other troubles meanwhile. */
  readonly amid: readonly string[]
}

/** A commit that was on its way when its sender died comes in within this. */
const inFlightMs = 100

/**
 * Of each death of a worker that was in the middle of partitions. A lane runs once its holder has claimed it by a
 * commit, which the dead cannot send.
 */
export function recoveries(
  { audit, lanes, commits }: RecoveryFacts,
  deaths: readonly Death[],
  troubles: readonly Trouble[],
): readonly Recovery[] {
  const changes = [...Map.groupBy(audit, ({ partitionId }) => partitionId)]
  return deaths.flatMap((death) => {
    const { worker, atMs } = death
    const times = changes.flatMap(([partitionId, of]) => {
      const last = of.findLast((change) => change.what !== 'CHUNK' && change.atMs <= atMs)
      if (last?.holder !== worker || last.state !== 'running') return []
      const claimed = commits.get(lanes.get(partitionId) ?? -1)?.find((at) => at > atMs + inFlightMs)
      return claimed === undefined ? [] : [claimed - atMs]
    })
    if (times.length === 0) return []
    const ms = Math.round(Math.max(...times))
    // Its own death begins when it does.
    const amid = troubles.filter(({ fromMs, toMs }) => fromMs !== atMs && fromMs < atMs + ms && toMs > atMs)
    const lastMs = Math.max(atMs, ...amid.flatMap(({ toMs }) => (toMs < atMs + ms ? [toMs] : [])))
    return [{ death, ms, undisturbedMs: atMs + ms - lastMs, amid: amid.map(({ what }) => what) }]
  })
}

/** The value that a share of the numbers does not exceed; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
