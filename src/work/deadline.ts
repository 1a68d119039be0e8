import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { Limits } from '../define/define-backfill.ts'

/** The time limits of one hold on a partition. */
export interface Deadline {
  /** Aborted, with the error that says so, when a limit has passed. */
  readonly signal: AbortSignal
  /** A chunk begins: it is to be read and transformed in time. What it returns ends that; the write has the session's limits. */
  chunk(): () => void
  /** `work`, or the error of the limit that passed before it ended; then its late outcome is nobody's any more. */
  within<Result>(work: Promise<Result>): Promise<Result>
  end(): void
}

/** `workedMs`: how long the partition was worked on before, here. */
export function createDeadline(
  { chunkTimeoutMs, partitionTimeoutMs }: Required<Pick<Limits, 'chunkTimeoutMs' | 'partitionTimeoutMs'>>,
  workedMs: number,
): Deadline {
  const passed = new AbortController()
  const late = new Promise<never>((_, reject) =>
    passed.signal.addEventListener('abort', () => reject(passed.signal.reason as Error), { once: true }),
  )
  late.catch(() => {})
  const whole =
    partitionTimeoutMs === null
      ? undefined
      : setTimeout(
          () =>
            passed.abort(
              new TerminalError(
                'PARTITION_TIMED_OUT',
                `the partition was worked on for ${partitionTimeoutMs} ms (limits.partitionTimeoutMs) and is not done: make partitions smaller, or the limit larger`,
              ),
            ),
          Math.max(0, partitionTimeoutMs - workedMs),
        )
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
    within: (work) => {
      work.catch(() => {})
      return Promise.race([work, late])
    },
    end: () => clearTimeout(whole),
  }
}
