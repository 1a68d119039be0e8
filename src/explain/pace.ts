import type { PartitionEvent } from '../contract/status.ts'
import { type History, msOf } from './history.ts'

/** Where the time of a partition went, in milliseconds. */
export interface Spent {
  readonly reading: number
  readonly transforming: number
  readonly writing: number
  /** Between its chunks, in the hands of a worker. */
  readonly waiting: number
}
export type Stage = keyof Spent

/** As far as its chunks were told. */
export function spentOf({ holds }: History): Spent {
  const spent = { reading: 0, transforming: 0, writing: 0, waiting: 0 }
  for (const { events } of holds) {
    let before: PartitionEvent | undefined
    for (const event of events) {
      if (event.type === 'partition.progressed') {
        const { readMs, transformMs, writeMs } = event.timings
        spent.reading += readMs
        spent.transforming += transformMs
        spent.writing += writeMs
        if (before !== undefined) {
          const gapMs = msOf(event) - msOf(before)
          spent.waiting += Math.max(0, gapMs - readMs - transformMs - writeMs)
        }
      }
      before = event
    }
  }
  return spent
}

/** From the first claim to the end, or to now; null: nobody ever claimed it. */
export function tookMs(history: History, nowMs: number): number | null {
  const first = history.holds[0]?.events[0]
  return first === undefined ? null : Math.max(0, endMs(history, nowMs) - msOf(first))
}

/** When it ended; while it has not, now. */
export const endMs = (history: History, nowMs: number): number =>
  history.newest !== undefined && isOver(history) ? msOf(history.newest) : nowMs

/** It has ended, one way or the other. */
export const isOver = ({ newest }: History): boolean =>
  newest !== undefined && newest.type !== 'partition.claimed' && newest.type !== 'partition.progressed'

/** Silence that is no news of a partition: some times as long as it was ever silent between two events of one hold. */
export function usualSilenceMs({ holds }: History): number {
  let longest = 0
  for (const { events } of holds)
    for (const [at, event] of events.entries()) {
      const before = events[at - 1]
      if (before !== undefined) longest = Math.max(longest, msOf(event) - msOf(before))
    }
  return Math.max(leastSilenceMs, silenceFactor * longest)
}

const leastSilenceMs = 30_000
const silenceFactor = 5
