import type { AuditFact } from './facts.ts'

/** A process that was ended, and when, by the clock of this machine. */
export interface Death {
  readonly worker: string
  readonly atMs: number
}

/**
 * For each death of a worker that held partitions: how long, in ms, until the last of them was claimed again, by
 * whomever, or was over. Partitions that its own death found over do not count.
 */
export function recoveryTimes(audit: readonly AuditFact[], deaths: readonly Death[]): readonly number[] {
  const changes = [
    ...Map.groupBy(
      audit.filter(({ what }) => what !== 'CHUNK'),
      ({ partitionId }) => partitionId,
    ).values(),
  ]
  return deaths.flatMap(({ worker, atMs }) => {
    const times = changes.flatMap((of) => {
      const held = of.findLast((change) => change.atMs <= atMs)
      if (held === undefined || held.holder !== worker || held.state !== 'running') return []
      const again = of.find((change) => change.atMs > atMs && (change.epoch > held.epoch || change.state !== 'running'))
      return again === undefined ? [] : [again.atMs - atMs]
    })
    return times.length === 0 ? [] : [Math.round(Math.max(...times))]
  })
}

/** The value that a share of the numbers does not exceed; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
