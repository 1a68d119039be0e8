import type { WorkerId } from '../contract/ids.ts'

/** The newest intent of a run that a worker obeys. */
export interface Acknowledged {
  readonly worker: WorkerId
  readonly sequence: number
  /** It found the intent when it started. */
  readonly atStart: boolean
  readonly at: string
}

export interface Obedience {
  /** Workers of the group that obey the intent. */
  readonly by: number
  readonly of: number
  /** Those that have not said so yet. */
  readonly missing: readonly WorkerId[]
  /** From the intent to the last acknowledgement of those that were at work then, by their clocks; null: there was none. */
  readonly tookMs: number | null
}

/** Who of the workers that are in the group now obeys the intent of this sequence. No clock, no I/O. */
export function obedienceOf(
  workers: readonly WorkerId[],
  acknowledged: readonly Acknowledged[],
  intent: { readonly sequence: number; readonly at: string },
): Obedience {
  const byWorker = new Map(acknowledged.map((told) => [told.worker, told]))
  const missing = workers.filter((worker) => (byWorker.get(worker)?.sequence ?? -1) < intent.sequence)
  const began = Date.parse(intent.at)
  const times = workers.flatMap((worker) => {
    const told = byWorker.get(worker)
    return told === undefined || told.sequence !== intent.sequence || told.atStart ? [] : [Date.parse(told.at) - began]
  })
  return {
    by: workers.length - missing.length,
    of: workers.length,
    missing,
    tookMs: times.length === 0 ? null : Math.max(0, ...times),
  }
}
