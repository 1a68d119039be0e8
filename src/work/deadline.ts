import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { Limits } from '../define/define-backfill.ts'

/** The time limits of one hold on a partition. */
export interface Deadline {
  /** Aborted, with the error that says so, when a limit has passed. */
  readonly signal: AbortSignal
  /** A chunk begins: it is to be read and transformed in time. What it returns ends that; the write has the session's limits. */
  chunk(): () => void
  /** `work`, or the error of the limit that passed before it ended; then its late outcome is nobody's any more. One at a time. */
  within<Result>(work: Promise<Result>): Promise<Result>
  /** A wait that is no work: while it lasts, the partition's limit stands still. */
  resting<Result>(wait: Promise<Result>): Promise<Result>
  /** How long the partition was worked on, here, so far. */
  workedMs(): number
  end(): void
}

/** `workedBeforeMs`: how long the partition was worked on before, by this worker. */
export function createDeadline(
  { chunkTimeoutMs, partitionTimeoutMs }: Required<Pick<Limits, 'chunkTimeoutMs' | 'partitionTimeoutMs'>>,
  workedBeforeMs: number,
): Deadline {
  const passed = new AbortController()
  let giveUp = (_error: unknown): void => {}
  passed.signal.addEventListener('abort', () => giveUp(passed.signal.reason), { once: true })
  let worked = 0
  let sinceMs: number | undefined
  let whole: NodeJS.Timeout | undefined
  const goOn = (): void => {
    sinceMs = performance.now()
    if (partitionTimeoutMs === null) return
    const tooLong = (): void =>
      passed.abort(
        new TerminalError(
          'PARTITION_TIMED_OUT',
          `the partition was worked on for ${partitionTimeoutMs} ms (limits.partitionTimeoutMs) and is not done: make partitions smaller, or the limit larger`,
        ),
      )
    whole = setTimeout(tooLong, Math.max(0, partitionTimeoutMs - workedBeforeMs - worked))
  }
  const standStill = (): void => {
    clearTimeout(whole)
    if (sinceMs !== undefined) worked += performance.now() - sinceMs
    sinceMs = undefined
  }
  goOn()
  return {
    signal: passed.signal,
    chunk: () => {
      const timer = setTimeout(
        () =>
          passed.abort(
            new RetryableError(
              'TIMED_OUT',
              `the chunk was not read and transformed within ${chunkTimeoutMs} ms (limits.chunkTimeoutMs)`,
            ),
          ),
        chunkTimeoutMs,
      )
      return () => clearTimeout(timer)
    },
    // Not a race with one promise for all: that would keep what each of them gave until the hold ends.
    within: async <Result>(work: Promise<Result>): Promise<Result> => {
      work.catch(() => {})
      passed.signal.throwIfAborted()
      const first = Promise.withResolvers<Result>()
      giveUp = first.reject
      work.then(first.resolve, first.reject)
      try {
        return await first.promise
      } finally {
        giveUp = () => {}
      }
    },
    resting: async (wait) => {
      standStill()
      try {
        return await wait
      } finally {
        goOn()
      }
    },
    workedMs: () => worked + (sinceMs === undefined ? 0 : performance.now() - sinceMs),
    end: standStill,
  }
}
