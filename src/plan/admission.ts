import type { RunId } from '../contract/ids.ts'

/** A run that waits to begin. */
export interface Waiting {
  readonly id: RunId
  /** Of the server, database and table that it writes to. */
  readonly targetId: string
}

/** Why a run waits: for another run on its target, or until fewer runs are live. */
export type WaitsFor = 'target' | 'room'

export interface Admission {
  /** Those that may begin now, in their order. */
  readonly admitted: readonly RunId[]
  readonly waiting: ReadonlyMap<RunId, { readonly position: number; readonly waitsFor: WaitsFor }>
}

/**
 * Which of the queue may begin: in its order, as long as fewer than `limit` runs are live and nobody is live on the
 * run's target. One that waits for its target holds up nobody but the next one on that target.
 */
export function admit(queue: readonly Waiting[], liveTargets: Iterable<string>, limit: number): Admission {
  const taken = new Set(liveTargets)
  const admitted: RunId[] = []
  const waiting = new Map<RunId, { position: number; waitsFor: WaitsFor }>()
  let live = taken.size
  for (const { id, targetId } of queue)
    if (!taken.has(targetId) && live < limit) {
      taken.add(targetId)
      live += 1
      admitted.push(id)
    } else {
      waiting.set(id, { position: waiting.size + 1, waitsFor: taken.has(targetId) ? 'target' : 'room' })
    }
  return { admitted, waiting }
}
