import { RetryableError, TerminalError } from '../contract/errors.ts'

/** What a failure says about trying again. */
export type FailureClass =
  /** A server is away, full or at work for others: it passes by itself, and costs no attempt. */
  | 'transient'
  /** Too much at once, in time or in bytes: a smaller chunk may pass. */
  | 'tooLarge'
  /** More bad rows than the run may have: a person must look, and nothing of the partition is lost. */
  | 'overBudget'
  /** Nothing that time mends: schema, rights, definition, a source that does not move. */
  | 'final'
  /** Nobody foresaw it: it may pass, or not. */
  | 'unknown'

/** Total: whatever was thrown has a class. */
export function failureClass(error: unknown): FailureClass {
  if (error instanceof RetryableError)
    switch (error.code) {
      case 'KAFKA_UNREACHABLE':
      case 'POSTGRES_UNREACHABLE':
      case 'REGISTRY_UNREACHABLE':
      case 'OUTCOME_UNKNOWN':
      case 'SINK_BUSY':
      case 'SINK_FULL':
        return 'transient'
      case 'CHUNK_TOO_LARGE':
      case 'TIMED_OUT':
        return 'tooLarge'
    }
  if (error instanceof TerminalError) return error.code === 'ERROR_BUDGET_SPENT' ? 'overBudget' : 'final'
  return 'unknown'
}
