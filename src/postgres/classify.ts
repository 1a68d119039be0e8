import { RetryableError, TerminalError } from '../contract/errors.ts'

/** What was being done when an error came. */
export interface ErrorContext {
  /** host:port/database; never the user's password. */
  readonly database: string
  /** COMMIT was sent and its answer has not come. */
  readonly committing: boolean
}

/**
 * What an error of the driver means to the caller; errors that say nothing about the connection or the server's state
 * (a missing table, a violated constraint) come back as they are. Total: never throws.
 */
export function classify(error: unknown, { database, committing }: ErrorContext): unknown {
  if (!(error instanceof Error) || error instanceof RetryableError || error instanceof TerminalError) return error
  const trouble = troubleOf(error)
  if (committing && (trouble === 'unreachable' || trouble === 'timedOut' || trouble === 'unknown'))
    return new RetryableError(
      'OUTCOME_UNKNOWN',
      `Postgres ${database} was lost while a commit was in flight: whether it happened shows when the partition is claimed again`,
      { cause: error },
    )
  switch (trouble) {
    case 'unreachable':
    case 'unknown':
      return new RetryableError(
        'POSTGRES_UNREACHABLE',
        `Postgres ${database} does not answer: check that the server runs, takes more connections and can be reached from here`,
        { cause: error },
      )
    case 'readOnly':
      return new RetryableError(
        'POSTGRES_UNREACHABLE',
        `Postgres ${database} is read-only: the address leads to a standby; point it at the primary`,
        { cause: error },
      )
    case 'refused':
      return new TerminalError(
        'CONFIG_INVALID',
        `Postgres ${database} refuses the connection: check user, password and database of the connection string`,
        { cause: error },
      )
    case 'busy':
      return new RetryableError(
        'SINK_BUSY',
        `Postgres ${database} had to give up the transaction for another one, or is out of resources`,
        { cause: error },
      )
    case 'locked':
      return new RetryableError(
        'SINK_BUSY',
        `somebody else holds a lock in Postgres ${database} for longer than the time limit of the session: pg_locks and pg_blocking_pids() say who`,
        { cause: error },
      )
    case 'full':
      return new RetryableError(
        'SINK_FULL',
        `the disk of Postgres ${database} is full: make room, and what waits goes on by itself`,
        { cause: error },
      )
    case 'tooLarge':
      return new RetryableError(
        'CHUNK_TOO_LARGE',
        `Postgres ${database} has no memory for so much at once, or a limit of its own forbids it`,
        { cause: error },
      )
    case 'timedOut':
      return new RetryableError('TIMED_OUT', `Postgres ${database} took longer than the time limit of the session`, {
        cause: error,
      })
    case null:
      return error
  }
}

/** True when the connection must be thrown away: it is gone, or a statement may still be running on it. */
export function spoilsConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const trouble = troubleOf(error)
  // What the server answered leaves the session in order; what only this side noticed does not.
  return trouble === 'unreachable' || trouble === 'unknown' || (trouble === 'timedOut' && codeOf(error) !== '57014')
}

/** The SQLSTATE or system code of an error; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

type Trouble =
  | 'unreachable'
  | 'unknown'
  | 'readOnly'
  | 'refused'
  | 'busy'
  | 'locked'
  | 'full'
  | 'tooLarge'
  | 'timedOut'
  | null

// What the driver and its pool throw without a code.
const connectionLost =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after)/
const clientTimeout = /^(Query read timeout|timeout expired)$/

function troubleOf(error: Error): Trouble {
  const code = codeOf(error)
  if (code === undefined) {
    if (connectionLost.test(error.message)) return 'unreachable'
    return clientTimeout.test(error.message) ? 'timedOut' : null
  }
  switch (code) {
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'ETIMEDOUT':
    // The administrator, or a crash, ended the session; too many of them; not up yet.
    case '57P01':
    case '57P02':
    case '57P03':
    case '57P05':
    case '53300':
      return 'unreachable'
    case '40003':
      return 'unknown'
    case '25006':
      return 'readOnly'
    case '28000':
    case '28P01':
    case '3D000':
    case '57P04':
      return 'refused'
    case '40001':
    case '40P01':
    case '53400':
      return 'busy'
    case '55P03':
      return 'locked'
    case '53100':
      return 'full'
    case '53200':
    case '54000':
      return 'tooLarge'
    case '57014':
    case '25P03':
    case '25P04':
      return 'timedOut'
    default:
      // Class 08: every kind of broken connection.
      return code.startsWith('08') ? 'unreachable' : null
  }
}
