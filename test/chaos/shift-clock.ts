import { z } from 'zod'

/** What a parent says to have a process's wall clock set: so much ahead of the machine's, in ms. */
export const ClockShift = z.object({ clockMs: z.int() })

/**
 * Replaces the wall clock of this process by one that can be set. What counts the time that passes, performance.now
 * and timers, stays right, as it does when the clock of a machine is set.
 */
export function shiftableClock(): (ms: number) => void {
  const real = globalThis.Date
  let aheadMs = 0
  const now = (): number => real.now() + aheadMs
  globalThis.Date = new Proxy(real, {
    construct: (target, given: unknown[], asked) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, asked) as object,
    apply: (target) => new target(now()).toString(),
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
  })
  return (ms) => {
    aheadMs = ms
  }
}
