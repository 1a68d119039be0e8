import { RetryableError, TerminalError } from '../contract/errors.ts'

export interface RetryPolicy {
  /** Tries that count before the partition fails; an outage of a server costs none. */
  readonly maxAttempts: number
  readonly baseMs: number
  readonly capMs: number
}

export const defaultRetryPolicy: RetryPolicy = { maxAttempts: 8, baseMs: 200, capMs: 20_000 }

export type Decision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly countsAsAttempt: boolean }
  | { readonly kind: 'fail'; readonly reason: string }

/** What to do after a failure: full-jitter exponential backoff, or give up. `attempt` counts from 1 and starts again after progress. */
export function afterFailure(error: unknown, attempt: number, policy: RetryPolicy, random: () => number): Decision {
  if (error instanceof TerminalError) return { kind: 'fail', reason: error.code }
  const delayMs = Math.round(random() * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1)))
  if (error instanceof RetryableError && isOutage(error)) return { kind: 'retry', delayMs, countsAsAttempt: false }
  if (attempt >= policy.maxAttempts) return { kind: 'fail', reason: 'ATTEMPTS_EXHAUSTED' }
  return { kind: 'retry', delayMs, countsAsAttempt: true }
}

/** Giving a partition up while a server is away would fail every partition of the run, and could not be written down anyway. */
function isOutage({ code }: RetryableError): boolean {
  switch (code) {
    case 'KAFKA_UNREACHABLE':
    case 'POSTGRES_UNREACHABLE':
    case 'REGISTRY_UNREACHABLE':
    case 'OUTCOME_UNKNOWN':
      return true
    case 'SINK_BUSY':
    case 'TIMED_OUT':
      return false
  }
}
