import type { RunId } from '../contract/ids.ts'
import type { Settings } from '../contract/settings.ts'
import type { Limits } from '../define/define-backfill.ts'
import { pause } from './pause.ts'
import { type Bucket, isForgettable, newBucket, refilled, taken, waitMsOf } from './token-bucket.ts'

export type PaceLimits = Required<Pick<Limits, 'chunkRows' | 'rowsPerSecond'>>

/** How large the chunks of a run may be here, and when the next one may begin: as tuned, or as its definition says. */
export interface Pace {
  /** Rows of a chunk, at most; of a run with a rate no more than this worker's part of a second. */
  chunkRows(runId: RunId, limits: PaceLimits): number
  /**
   * Resolves when a chunk of `rows` rows may be read, or the signal aborts; what it gives is told how many were read in
   * the end. Undefined: the run has no rate, nothing is to be waited for.
   */
  turn(runId: RunId, limits: PaceLimits, rows: number, signal: AbortSignal): Promise<Took> | undefined
}

export type Took = (rows: number) => void

export interface PaceDeps {
  settingsOf(this: void, runId: RunId): Settings
  /** This worker's part of the group: of the lanes, those that it holds. The parts of all workers are 1 at most. */
  share(this: void): number
  nowMs(this: void): number
}

/** A change of rate or share is seen after this time. */
const lookEveryMs = 250

/** One bucket a run, for all of its tasks here. Waits hold no connection, and no stage of a task. */
export function createPace({ settingsOf, share, nowMs }: PaceDeps): Pace {
  const buckets = new Map<RunId, Bucket>()

  const rateOf = (runId: RunId, { rowsPerSecond }: PaceLimits): number | null => {
    const rate = settingsOf(runId).rowsPerSecond ?? rowsPerSecond
    return rate === null ? null : rate * share()
  }

  const bucketOf = (runId: RunId, rate: number): Bucket => {
    const known = buckets.get(runId)
    if (known !== undefined) return refilled(known, rate, nowMs())
    for (const [other, bucket] of buckets) if (isForgettable(bucket, nowMs())) buckets.delete(other)
    return newBucket(rate, nowMs())
  }

  const waitForTurn = async (runId: RunId, limits: PaceLimits, rows: number, signal: AbortSignal): Promise<Took> => {
    for (;;) {
      const rate = rateOf(runId, limits)
      if (rate === null || signal.aborted) return () => {}
      const bucket = bucketOf(runId, rate)
      const waitMs = waitMsOf(bucket)
      buckets.set(runId, waitMs === 0 && rate > 0 ? taken(bucket, rows) : bucket)
      if (waitMs === 0 && rate > 0)
        return (read) => {
          const now = buckets.get(runId)
          if (now !== undefined) buckets.set(runId, taken(now, read - rows))
        }
      await pause(Math.min(Math.max(waitMs, 1), lookEveryMs), signal)
    }
  }

  return {
    chunkRows: (runId, limits) => {
      const rows = settingsOf(runId).chunkRows ?? limits.chunkRows
      const rate = rateOf(runId, limits)
      return rate === null ? rows : Math.max(1, Math.min(rows, Math.floor(rate)))
    },
    turn: (runId, limits, rows, signal) => {
      if (rateOf(runId, limits) !== null) return waitForTurn(runId, limits, rows, signal)
      buckets.delete(runId)
      return undefined
    },
  }
}
