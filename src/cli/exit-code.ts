import { CommanderError } from '@commander-js/extra-typings'
import { type RetryableCode, RetryableError, type TerminalCode, TerminalError } from '../contract/errors.ts'

/** What the exit code of every command means; scripts rely on it. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  partitionsFailed: 3,
  checkFailed: 4,
  notFound: 5,
  timedOut: 6,
  unreachable: 7,
  conflict: 8,
  cancelled: 9,
  /** 128 + SIGINT, as shells have it: a person stopped waiting; what runs on the cluster goes on. */
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A command ends with this code; the message says why, to a person. */
export class EndedWith extends Error {
  override readonly name = 'EndedWith'
  readonly exitCode: ExitCode
  readonly reasons: readonly string[]
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions & { reasons?: readonly string[] }) {
    super(message, options)
    this.exitCode = exitCode
    this.reasons = options?.reasons ?? [message]
  }
}

const ofTerminal = {
  CERTIFICATE_INVALID: exitCodes.checkFailed,
  CONFIG_INVALID: exitCodes.usage,
  DEFINITION_INVALID: exitCodes.usage,
  DEFINITION_UNKNOWN: exitCodes.usage,
  ERROR_BUDGET_SPENT: exitCodes.partitionsFailed,
  MESSAGE_INVALID: exitCodes.usage,
  PARAMS_INVALID: exitCodes.usage,
  PARTITION_TIMED_OUT: exitCodes.partitionsFailed,
  PLAN_INVALID: exitCodes.usage,
  PLAN_STALE: exitCodes.conflict,
  ROW_INVALID: exitCodes.partitionsFailed,
  SCHEMA_NEWER: exitCodes.usage,
  SINK_NOT_WRITABLE: exitCodes.usage,
  SOURCE_NOT_READABLE: exitCodes.usage,
  STACK_UNAVAILABLE: exitCodes.unreachable,
  TARGET_BUSY: exitCodes.conflict,
  TOPIC_MISMATCH: exitCodes.usage,
  TOPIC_MISSING: exitCodes.usage,
  NOT_FOUND: exitCodes.notFound,
  NO_PROGRESS: exitCodes.partitionsFailed,
  RUN_FAILED: exitCodes.partitionsFailed,
  WORKER_ID_IN_USE: exitCodes.conflict,
} as const satisfies Record<TerminalCode, ExitCode>

const ofRetryable = {
  KAFKA_UNREACHABLE: exitCodes.unreachable,
  POSTGRES_UNREACHABLE: exitCodes.unreachable,
  REGISTRY_UNREACHABLE: exitCodes.unreachable,
  SINK_BUSY: exitCodes.conflict,
  SINK_FULL: exitCodes.unreachable,
  CHUNK_TOO_LARGE: exitCodes.partitionsFailed,
  OUTCOME_UNKNOWN: exitCodes.unreachable,
  TIMED_OUT: exitCodes.timedOut,
} as const satisfies Record<RetryableCode, ExitCode>

const known: ReadonlySet<number> = new Set(Object.values(exitCodes))

/** True for the codes above, so that the code of a child process can be passed on. */
export const isExitCode = (code: number): code is ExitCode => known.has(code)

/** The exit code of what a command threw; anything nobody named is a bug. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof EndedWith) return error.exitCode
  if (error instanceof TerminalError) return ofTerminal[error.code]
  if (error instanceof RetryableError) return ofRetryable[error.code]
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  return exitCodes.bug
}
