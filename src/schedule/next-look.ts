/** What is known of the end of a chain: how often it was looked at in vain or asked for, and when last. */
export interface Looks {
  readonly count: number
  readonly lastAtMs: number
}

/** Looks in vain make the next one later, up to this many times the interval. */
const longestFactor = 16

/**
 * When the source is looked at for rows above a completed run: never sooner than `everyMs` after that run was accepted,
 * so that a trickle of rows makes no flood of runs; in vain, after twice as long each time.
 */
export function nextLookMs(acceptedAtMs: number, looks: Looks | undefined, everyMs: number): number {
  const first = acceptedAtMs + everyMs
  if (looks === undefined) return first
  return Math.max(first, looks.lastAtMs + everyMs * Math.min(2 ** (looks.count - 1), longestFactor))
}
