/** A limit to waiting, and to waiting only: the time that is spent on what has come does not count. */
export interface Patience {
  /** Counts from now on. */
  begin(): void
  /** The next is waited for. */
  wait(): void
  /** It has come. With `isWanted`, the whole time is there again for what follows. */
  come(isWanted: boolean): void
  stop(): void
}

/** Calls `out` once so many milliseconds were waited in vain. */
export function createPatience(limitMs: number, out: () => void, nowMs: () => number): Patience {
  let [leftMs, hasBegun, isWaiting] = [limitMs, false, false]
  let sinceMs: number | undefined
  let timer: NodeJS.Timeout | undefined
  const count = (): void => {
    if (!hasBegun || !isWaiting || sinceMs !== undefined) return
    sinceMs = nowMs()
    timer = setTimeout(out, Math.max(leftMs, 0))
  }
  const stop = (): void => {
    clearTimeout(timer)
    isWaiting = false
    if (sinceMs !== undefined) leftMs -= nowMs() - sinceMs
    sinceMs = undefined
  }
  return {
    begin: () => {
      hasBegun = true
      count()
    },
    wait: () => {
      isWaiting = true
      count()
    },
    come: (isWanted) => {
      stop()
      if (isWanted) leftMs = limitMs
    },
    stop,
  }
}
