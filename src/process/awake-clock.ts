/** A clock that stands still while this process does: time in which it was stopped is no sign that anything is stuck. */
export interface AwakeClock {
  nowMs(): number
  /** To be called every `everyMs`; a call that comes later than twice that was held up by a stop of the process. */
  tick(): void
}

export function createAwakeClock(nowMs: () => number, everyMs: number): AwakeClock {
  let asleepMs = 0
  let lastTickMs = nowMs()
  return {
    nowMs: () => nowMs() - asleepMs,
    tick: () => {
      const passedMs = nowMs() - lastTickMs
      if (passedMs > 2 * everyMs) asleepMs += passedMs - everyMs
      lastTickMs = nowMs()
    },
  }
}
