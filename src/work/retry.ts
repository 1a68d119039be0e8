import { TerminalError } from '../contract/errors.ts'
import { halved } from './chunk-size.ts'
import { type FailureClass, failureClass } from './failure-class.ts'

export interface RetryPolicy {
  /** Tries that count before the partition fails. */
  readonly maxAttempts: number
  readonly baseMs: number
  readonly capMs: number
}

export const defaultRetryPolicy: RetryPolicy = { maxAttempts: 8, baseMs: 200, capMs: 20_000 }

/** What happened at one place of a partition since it last got on. An interruption adds nothing, progress clears it. */
export interface FailuresHere {
  /** All of them: how long to wait. */
  readonly failures: number
  /** Those that count against `maxAttempts`. */
  readonly attempts: number
  /** Those after which the chunk was made smaller. */
  readonly halvings: number
  /** Rows the chunk may have that failed. */
  readonly chunkRows: number
}

export const noFailures = (chunkRows: number): FailuresHere => ({ failures: 0, attempts: 0, halvings: 0, chunkRows })

export type Decision =
  | {
      readonly kind: 'again'
      readonly delayMs: number
      readonly after: FailuresHere
      /** Smaller chunks do not help either: the partition is to be split. */
      readonly split: boolean
    }
  /** The run is to be parked; the partition keeps its place. */
  | { readonly kind: 'parkRun' }
  | { readonly kind: 'fail'; readonly reason: string; readonly attempts: number }

/** Halvings in a row without progress that make a case for a split: the chunk is an eighth of what it was. */
const halvingsBeforeSplit = 3

/**
 * What to do after a failure, given those before it at the same place. Delays are full-jitter exponential backoff.
 * What is too large is made smaller for as long as it can be, whatever the number of attempts.
 */
export function afterFailure(
  error: unknown,
  before: FailuresHere,
  policy: RetryPolicy,
  random: () => number,
): Decision {
  const what: FailureClass = failureClass(error)
  const counts = what === 'tooLarge' || what === 'unknown'
  const attempts = before.attempts + (counts || what === 'final' ? 1 : 0)
  const again = (more: Partial<FailuresHere> = {}, split = false): Decision => ({
    kind: 'again',
    delayMs: Math.round(random() * Math.min(policy.capMs, policy.baseMs * 2 ** before.failures)),
    after: { ...before, failures: before.failures + 1, attempts, ...more },
    split,
  })
  switch (what) {
    case 'transient':
      return again()
    case 'overBudget':
      return { kind: 'parkRun' }
    case 'final':
      return { kind: 'fail', reason: error instanceof TerminalError ? error.code : 'UNKNOWN', attempts }
    case 'tooLarge': {
      if (before.chunkRows > 1) {
        const halvings = before.halvings + 1
        return again({ chunkRows: halved(before.chunkRows), halvings }, halvings === halvingsBeforeSplit)
      }
      return attempts >= policy.maxAttempts ? exhausted(attempts) : again()
    }
    case 'unknown':
      return attempts >= policy.maxAttempts ? exhausted(attempts) : again()
  }
}

const exhausted = (attempts: number): Decision => ({ kind: 'fail', reason: 'ATTEMPTS_EXHAUSTED', attempts })
