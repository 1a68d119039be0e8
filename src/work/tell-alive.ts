import type { Histogram } from 'node:perf_hooks'
import { messageOf } from '../contract/errors.ts'
import type { WorkerId } from '../contract/ids.ts'
import type { StatusEvent, WorkerEvent } from '../contract/status.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'

type WorkerTold = Exclude<WorkerEvent, { type: 'worker.lost' }>

/** What a worker is at work on. */
export interface Load {
  /** Partitions it may work on at the same time, and those it works on now. */
  readonly slots: number
  readonly running: number
  /** Topic partitions of the task topic that it holds. */
  readonly lanes: readonly number[]
}

/** What its process costs. */
export interface Usage {
  readonly residentMb: number
  /** Of one core, since it was last asked. */
  readonly cpuShare: number
  /** The longest the event loop was held up since then. */
  readonly loopDelayMs: number
}

export interface TellAliveDeps {
  readonly worker: WorkerId
  /** Of this process. */
  readonly instance: string
  load(this: void): Load
  /** Measures from the call before on. */
  usage(this: void): Usage
  tell(this: void, events: readonly StatusEvent[]): Promise<void>
  now(this: void): Date
  /** Default 5 s. */
  readonly everyMs?: number
  readonly log: Log
}

/**
 * Tells that the worker is there: at start, every few seconds, and when it stops. What cannot be told is only logged, and
 * work never waits for it; while something is on its way nothing more is told, so a broker that does not answer holds up
 * nothing either. Stopping waits for the last of it, and for nothing else.
 */
export function createTellAlive(deps: TellAliveDeps): Service {
  const { worker, instance, load, usage, tell, now, everyMs = 5_000, log } = deps
  let sequence = 0
  let timer: NodeJS.Timeout | undefined
  let state: 'idle' | 'telling' | 'stopped' = 'idle'
  let isOnItsWay = false

  const say = async (type: WorkerTold['type']): Promise<void> => {
    if (isOnItsWay) return
    isOnItsWay = true
    const event = workerTold(type, { worker, instance, sequence }, load(), usage(), now())
    sequence += 1
    try {
      await tell([event])
    } catch (error) {
      log.warn({ error: messageOf(error) }, `could not tell ${type}`)
    } finally {
      isOnItsWay = false
    }
  }

  return {
    start: async () => {
      if (state !== 'idle') return
      state = 'telling'
      void say('worker.started')
      timer = setInterval(() => void say('worker.alive'), everyMs).unref()
    },
    stop: async () => {
      if (state !== 'telling') return
      state = 'stopped'
      clearInterval(timer)
      await say('worker.stopped')
    },
  }
}

/** One of a worker's own events. No clock, nothing measured: all of it comes in. */
export const workerTold = (
  type: WorkerTold['type'],
  who: Pick<WorkerTold, 'worker' | 'instance' | 'sequence'>,
  { slots, running, lanes }: Load,
  { residentMb, cpuShare, loopDelayMs }: Usage,
  now: Date,
): WorkerTold => ({
  ...{ version: 1, type, at: now.toISOString() },
  ...who,
  ...{ slots, running, lanes: lanes.toSorted((a, b) => a - b) },
  residentMb: rounded(residentMb),
  cpuShare: rounded(cpuShare),
  loopDelayMs: rounded(loopDelayMs),
})

const rounded = (value: number): number => Math.round(Math.max(value, 0) * 100) / 100

/** What is asked of the process and of its clock. */
export interface Meters {
  memoryUsage(this: void): { readonly rss: number }
  /** Microseconds, since the process began. */
  cpuUsage(this: void): { readonly user: number; readonly system: number }
  /** Nanoseconds from one look to the next, which is to come after `resolutionMs`. */
  readonly loopDelay: Pick<Histogram, 'max' | 'reset'>
  readonly resolutionMs: number
  nowMs(this: void): number
}

/** The usage between one call and the next. */
export function createUsageMeter({ memoryUsage, cpuUsage, loopDelay, resolutionMs, nowMs }: Meters): () => Usage {
  const spentMs = (): number => {
    const { user, system } = cpuUsage()
    return (user + system) / 1_000
  }
  let before = { at: nowMs(), spent: spentMs() }
  return () => {
    const measured = { at: nowMs(), spent: spentMs() }
    const elapsed = measured.at - before.at
    const cpuShare = elapsed > 0 ? (measured.spent - before.spent) / elapsed : 0
    before = measured
    const loopDelayMs = Math.max(loopDelay.max / 1e6 - resolutionMs, 0)
    loopDelay.reset()
    return { residentMb: memoryUsage().rss / 1_048_576, cpuShare, loopDelayMs }
  }
}
