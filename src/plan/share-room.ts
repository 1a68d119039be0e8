import type { RunId } from '../contract/ids.ts'

/** A run with tasks that are still to be published. */
export interface Publishing {
  readonly id: RunId
  /** Higher ones come first. */
  readonly priority: number
  /** Of two runs with one priority, one of twice the weight gets twice the tasks. */
  readonly weight: number
  readonly published: number
  /** Partitions of it that have ended. */
  readonly ended: number
  /** Of its tasks that may be open, where that is said of this run; null: those of the window. */
  readonly mostOpen: number | null
  readonly partitions: number
}

export interface Room {
  /** Tasks of one run that may be open. */
  readonly window: number
  /** Tasks that are published together. */
  readonly batch: number
  /** Runs none of whose tasks ended for long: see `createStallWatch`. */
  isStalled(this: void, run: Publishing): boolean
}

/**
 * How many tasks of which run are published next. A run whose open tasks stand still, as where nobody serves their topic
 * partitions, gets another batch beyond its window: others of its tasks may be served. Not so where a person set the limit.
 */
export function shareRoom(runs: readonly Publishing[], { window, batch, isStalled }: Room): ReadonlyMap<RunId, number> {
  const wanting = runs.flatMap((run) => {
    const left = run.partitions - run.published
    const room = Math.min(window, run.mostOpen ?? window) - (run.published - run.ended)
    const wanted = Math.min(left, room > 0 ? room : run.mostOpen === null && isStalled(run) ? batch : 0)
    return wanted > 0 ? [{ ...run, wanted }] : []
  })
  const shares = new Map<RunId, number>()
  let left = batch
  const byPriority = [...Map.groupBy(wanting, ({ priority }) => priority)].sort(([a], [b]) => b - a)
  for (const [, of] of byPriority) left -= shareAlike(of, left, shares)
  return shares
}

/** In proportion to the weights; what one does not want goes to the others. Returns how many were given. */
function shareAlike(
  runs: readonly (Publishing & { readonly wanted: number })[],
  room: number,
  shares: Map<RunId, number>,
): number {
  let [left, weight] = [room, runs.reduce((sum, run) => sum + run.weight, 0)]
  // Those that want least for their weight first: what they leave is known when the others get their share.
  for (const run of runs.toSorted((a, b) => a.wanted / a.weight - b.wanted / b.weight)) {
    const share = Math.min(run.wanted, Math.ceil((left * run.weight) / weight))
    if (share > 0) shares.set(run.id, share)
    left -= share
    weight -= run.weight
  }
  return room - left
}

const stalledMs = 10_000

/** Tells runs of which no task has ended for ten seconds; each time it says so, the ten seconds begin anew. */
export function createStallWatch(nowMs: () => number): (run: Publishing) => boolean {
  const seen = new Map<RunId, { ended: number; published: number; sinceMs: number }>()
  return ({ id, ended, published }) => {
    const before = seen.get(id)
    const same = before !== undefined && before.ended === ended && before.published === published
    if (!same) seen.set(id, { ended, published, sinceMs: nowMs() })
    return same && nowMs() - before.sinceMs >= stalledMs
  }
}
