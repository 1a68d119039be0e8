import { messageOf } from '../contract/errors.ts'
import type { Log } from './log.ts'
import type { Service } from './service.ts'

/** Something that is done again and again. */
export interface Repeated extends Service {
  /** There is something to do: not only at the next time. */
  soon(): void
}

export interface RepeatedOptions {
  /** From one time to the next, at least. */
  readonly everyMs: number
  /** True: there is more to do, at once. A rejection is logged, and it is tried again. */
  act(this: void, signal: AbortSignal): Promise<boolean>
  /** What could not be done, for the log. */
  readonly what: string
  readonly log: Log
}

const longestRestMs = 5_000

/** Does it from `start` to `stop`, never twice at a time; after failures ever more rarely, up to every five seconds. */
export function repeatedly({ everyMs, act, what, log }: RepeatedOptions): Repeated {
  const ended = new AbortController()
  let going: Promise<void> | undefined
  let isWanted = false
  let wake: (() => void) | undefined
  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => wake?.(), ms)
      wake = () => {
        clearTimeout(timer)
        wake = undefined
        resolve()
      }
      if (isWanted) wake()
    })
  const go = async (): Promise<void> => {
    let failures = 0
    while (!ended.signal.aborted)
      try {
        isWanted = false
        const hasMore = await act(ended.signal)
        failures = 0
        if (!hasMore && !ended.signal.aborted) await rest(everyMs)
      } catch (error) {
        if (ended.signal.aborted) return
        failures += 1
        log.warn({ error: messageOf(error) }, `${what}: tries again`)
        await rest(Math.min(everyMs * 2 ** failures, longestRestMs))
      }
  }
  return {
    soon: () => {
      isWanted = true
      wake?.()
    },
    start: async () => {
      going ??= go()
    },
    stop: async () => {
      ended.abort()
      wake?.()
      await going
    },
  }
}
