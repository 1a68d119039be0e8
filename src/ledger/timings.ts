import type { StatusEvent } from '../contract/status.ts'

/** Whole microseconds: unlike milliseconds with a fraction they add up to the same in any order. */
export interface Timings {
  readonly readMicros: number
  readonly transformMicros: number
  readonly writeMicros: number
}

export const noTimings: Timings = Object.freeze({ readMicros: 0, transformMicros: 0, writeMicros: 0 })

/** A chunk does not take longer than this: what says so is a mistake, and must not spoil the sums. */
const mostMs = 1_000_000_000

export function timingsOf(event: StatusEvent): Timings {
  if (event.type !== 'partition.progressed') return noTimings
  const { readMs, transformMs, writeMs } = event.timings
  return { readMicros: micros(readMs), transformMicros: micros(transformMs), writeMicros: micros(writeMs) }
}

const micros = (ms: number): number => Math.round(Math.min(Math.max(ms, 0), mostMs) * 1000)

export const addTimings = (a: Timings, b: Timings, sign: 1 | -1 = 1): Timings => ({
  readMicros: a.readMicros + sign * b.readMicros,
  transformMicros: a.transformMicros + sign * b.transformMicros,
  writeMicros: a.writeMicros + sign * b.writeMicros,
})
