import type { WorkerId } from '../contract/ids.ts'
import type { WorkerEvent } from '../contract/status.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'

/** The newest that is recorded of a worker. */
export interface RecordedWorker {
  readonly worker: WorkerId
  /** Of its process, and the number of what that said last. */
  readonly instance: string
  readonly sequence: number
  /** It said that it stops. */
  readonly isStopped: boolean
  /** It was given up since. */
  readonly lost: { readonly at: Date; readonly message: string } | null
}

export interface HeardWorker extends RecordedWorker {
  /** Since when nothing else is recorded of it, by the clock of this process: those of workers may be wrong. */
  readonly sinceMs: number
}

/** After how long nobody misses a worker any more that was lost. */
const missedForMs = 15 * 60_000

/** Carries on since when each worker has said nothing more; of one that was not known before, from now on. */
export function heardSince(
  before: readonly HeardWorker[],
  recorded: readonly RecordedWorker[],
  nowMs: number,
): readonly HeardWorker[] {
  const known = new Map(before.map((one) => [one.worker, one]))
  return recorded.map((one) => {
    const was = known.get(one.worker)
    const isSame = was?.instance === one.instance && was.sequence === one.sequence
    return { ...one, sinceMs: isSame ? was.sinceMs : nowMs }
  })
}

/** Those that did not say that they stop, and have said nothing for so long. */
export const silentWorkers = (heard: readonly HeardWorker[], silentMs: number, nowMs: number): readonly HeardWorker[] =>
  heard.filter(({ isStopped, lost, sinceMs }) => !isStopped && lost === null && nowMs - sinceMs >= silentMs)

/** That it is lost, as the fact after the last one that it told itself: whoever finds it tells the same. */
export const workerLost = (
  { worker, instance, sequence, sinceMs }: HeardWorker,
  nowMs: number,
  now: Date,
): WorkerEvent => ({
  ...{ version: 1, type: 'worker.lost', at: now.toISOString(), worker, instance, sequence: sequence + 1 },
  message: lostMessage(nowMs - sinceMs),
})

/** `gone`: silent ones that are not in the group either. A member that says nothing is not lost: its session decides. */
export function workerConditions(
  heard: readonly HeardWorker[],
  gone: readonly HeardWorker[],
  nowMs: number,
  now: Date,
): readonly Condition[] {
  const missed = heard.flatMap(({ worker, lost }) =>
    lost === null || now.getTime() - lost.at.getTime() >= missedForMs ? [] : [{ worker, message: lost.message }],
  )
  const told = gone.map(({ worker, sinceMs }) => ({ worker, message: lostMessage(nowMs - sinceMs) }))
  return [...told, ...missed].map(({ worker, message }) => condition('workerLost', { worker }, message))
}

const lostMessage = (silentMs: number): string =>
  `it has said nothing for ${Math.round(silentMs / 1000)} s, and is not in the worker group`
