// Looks once a second whether a stage of a task, or an offset commit, has lasted longer than any may. Reads the stage
// watch and nothing else. A stuck stage ends the process by `failed`, and whoever keeps it starts it again: the next
// holder resumes at the checkpoint. Never interrupts anything itself, never counts time in which the process stood still.
import { RetryableError } from '../contract/errors.ts'
import type { AwakeClock } from '../process/awake-clock.ts'
import type { Service } from '../process/service.ts'
import { type StageWatch, stuckStage } from './stage-watch.ts'

export interface WatchdogDeps {
  readonly watch: StageWatch
  readonly clock: AwakeClock
  readonly limitMs: number
}

export const watchdogEveryMs = 1_000

/** `failed` rejects with RetryableError (TIMED_OUT). */
export function createWatchdog({ watch, clock, limitMs }: WatchdogDeps): Service & { readonly failed: Promise<never> } {
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    clock.tick()
    const stuck = stuckStage(watch.underWay, clock.nowMs(), limitMs)
    if (stuck === undefined) return
    failure.reject(
      new RetryableError(
        'TIMED_OUT',
        `${stuck.subject} is stuck: its stage "${stuck.stage}" has lasted ${Math.round(stuck.ageMs)} ms and the limit is ` +
          `${limitMs} ms (TIDEMARK_STAGE_LIMIT_MS); the process ends, and resumes at the checkpoint when it is started again`,
      ),
    )
  }
  return {
    failed: failure.promise,
    start: () => {
      timer ??= setInterval(look, watchdogEveryMs)
      return Promise.resolve()
    },
    stop: () => {
      clearInterval(timer)
      return Promise.resolve()
    },
  }
}
