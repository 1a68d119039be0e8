import type { WorkerId } from '../contract/ids.ts'
import type { WorkerEvent } from '../contract/status.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'

/** The newest that was heard of a worker. */
export interface HeardWorker {
  readonly event: WorkerEvent
  /** Since it was recorded, by the clock of the database. */
  readonly silentMs: number
}

/** After how long nobody misses a worker any more that was lost. */
const missedForMs = 15 * 60_000

/**
 * Workers that did not say that they stop, have said nothing for `silentMs`, and are no members of the group. A member that
 * says nothing is not lost: it may be frozen, and its session decides.
 */
export function lostWorkers(
  heard: readonly HeardWorker[],
  members: readonly WorkerId[],
  silentMs: number,
): readonly HeardWorker[] {
  return heard.filter(
    ({ event, silentMs: silent }) =>
      (event.type === 'worker.started' || event.type === 'worker.alive') &&
      silent >= silentMs &&
      !members.includes(event.worker),
  )
}

/** That it is lost, as the fact after the last one that it told itself: whoever finds it tells the same. */
export const workerLost = ({ event, silentMs }: HeardWorker, now: Date): WorkerEvent => ({
  version: 1,
  type: 'worker.lost',
  at: now.toISOString(),
  worker: event.worker,
  instance: event.instance,
  sequence: event.sequence + 1,
  message: lostMessage(silentMs),
})

export function workerConditions(heard: readonly HeardWorker[], lost: readonly HeardWorker[]): readonly Condition[] {
  const missed = heard.filter(({ event, silentMs }) => event.type === 'worker.lost' && silentMs < missedForMs)
  return [
    ...lost.map(({ event, silentMs }) => condition('workerLost', { worker: event.worker }, lostMessage(silentMs))),
    ...missed.flatMap(({ event }) =>
      event.type === 'worker.lost' ? [condition('workerLost', { worker: event.worker }, event.message)] : [],
    ),
  ]
}

const lostMessage = (silentMs: number): string =>
  `it has said nothing for ${Math.round(silentMs / 1000)} s, and is not in the worker group`
