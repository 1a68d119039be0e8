/**
 * Two families, named for what the caller does next: a RetryableError may go away by itself, a TerminalError needs a
 * person. The message names the thing, the value and the remedy.
 */
export type RetryableCode =
  | 'KAFKA_UNREACHABLE'
  | 'POSTGRES_UNREACHABLE'
  | 'REGISTRY_UNREACHABLE'
  | 'SINK_BUSY'
  | 'SINK_FULL'
  | 'CHUNK_TOO_LARGE'
  | 'OUTCOME_UNKNOWN'
  | 'TIMED_OUT'

export type TerminalCode =
  | 'CERTIFICATE_INVALID'
  | 'CONFIG_INVALID'
  | 'DEFINITION_INVALID'
  | 'DEFINITION_UNKNOWN'
  | 'ERROR_BUDGET_SPENT'
  | 'MESSAGE_INVALID'
  | 'PARAMS_INVALID'
  | 'PARTITION_TIMED_OUT'
  | 'PLAN_INVALID'
  | 'PLAN_STALE'
  | 'ROW_INVALID'
  | 'SCHEMA_NEWER'
  | 'SINK_NOT_WRITABLE'
  | 'SOURCE_NOT_READABLE'
  | 'STACK_UNAVAILABLE'
  | 'TARGET_BUSY'
  | 'TOPIC_MISMATCH'
  | 'TOPIC_MISSING'
  | 'NOT_FOUND'
  | 'NO_PROGRESS'
  | 'RUN_FAILED'
  | 'WORKER_ID_IN_USE'

export class RetryableError extends Error {
  override readonly name = 'RetryableError'
  readonly code: RetryableCode
  constructor(code: RetryableCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export class TerminalError extends Error {
  override readonly name = 'TerminalError'
  readonly code: TerminalCode
  /** Every reason found, when there is more than one: a bad request is answered with all of them at once. */
  readonly reasons: readonly string[]
  constructor(code: TerminalCode, message: string, options?: ErrorOptions & { reasons?: readonly string[] }) {
    super(message, options)
    this.code = code
    this.reasons = options?.reasons ?? [message]
  }
}

/** Another holder claimed the partition, or its row is terminal: stop at once, commit nothing, say nothing. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}

/** The message of an error and of what caused it, in one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ')
  const cause = error.cause === undefined ? '' : messageOf(error.cause)
  return cause === '' || error.message.includes(cause) ? error.message || error.name : `${error.message}: ${cause}`
}
