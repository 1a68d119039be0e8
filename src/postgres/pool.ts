// Connections to one Postgres. Sessions are set so that neither side waits for ever for the other; a connection whose
// state is in doubt is closed, never used again. Errors leave here as what they mean to the caller (classify.ts).
import pg from 'pg'
import type { Log } from '../process/log.ts'
import { classify, spoilsConnection } from './classify.ts'

export type Pool = pg.Pool
export type Client = pg.PoolClient

export interface PoolOptions {
  readonly connectionString: string
  /** Shown by the server in pg_stat_activity. */
  readonly applicationName: string
  /** Connections at most. */
  readonly max: number
  readonly log: Log
}

/** A statement longer than this is given up by the server. */
const statementTimeoutMs = 120_000
/** How long a holder frozen inside a transaction keeps its locks. */
const idleInTransactionMs = 60_000
// A claim waits behind a frozen holder and gets its turn before the wait is given up.
const lockTimeoutMs = idleInTransactionMs + 10_000
// Only when the server is not heard at all: its own limits come first.
const answerTimeoutMs = statementTimeoutMs + 15_000
const connectTimeoutMs = 10_000

const sessionSettings = `
  set statement_timeout = ${statementTimeoutMs};
  set lock_timeout = ${lockTimeoutMs};
  set idle_in_transaction_session_timeout = ${idleInTransactionMs};
  set client_min_messages = warning;
  set timezone = 'UTC';
  set datestyle = 'ISO';
  do $$ begin
    begin set client_connection_check_interval = 5000; exception when others then null; end;
    begin set tcp_user_timeout = 30000; exception when others then null; end;
  end $$`

/** The pool waits for it before it lends the connection, which its types do not say. */
const setSession = (client: pg.ClientBase): unknown => client.query(sessionSettings)

const names = new WeakMap<pg.Pool, string>()

/**
 * Opens nothing yet: connections are made when they are needed. int8, numeric and date arrive as text, timestamp
 * (without zone) as the Date of that time in UTC.
 */
export function openPool({ connectionString, applicationName, max, log }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString,
    application_name: applicationName,
    max,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    query_timeout: answerTimeoutMs,
    types: { getTypeParser: parserOf },
    onConnect: setSession,
  })
  const database = databaseOf(connectionString)
  names.set(pool, database)
  // An idle connection that breaks is only news: the pool has dropped it already.
  pool.on('error', (error) => {
    log.warn({ database, error: error.message }, 'an idle Postgres connection was lost')
  })
  return pool
}

/** Runs one statement on any connection, in a transaction of its own. Throws what `classify` makes of a failure. */
export async function query<Row extends pg.QueryResultRow>(
  pool: Pool,
  text: string,
  values?: readonly unknown[],
): Promise<pg.QueryResult<Row>> {
  return withClient(pool, (client) => client.query<Row>(text, values === undefined ? undefined : [...values]))
}

/** Lends a connection; closed instead of given back when what happened leaves it in doubt. */
export async function withClient<T>(pool: Pool, act: (client: Client) => Promise<T>): Promise<T> {
  const context = { database: nameOf(pool), committing: false }
  const client = await pool.connect().catch((error: unknown) => {
    throw classify(error, context)
  })
  // Without a listener a connection that breaks between two statements would end the process.
  const ignore = (): void => {}
  client.on('error', ignore)
  let spoilt = true
  try {
    const result = await act(client)
    spoilt = false
    return result
  } catch (error) {
    spoilt = error instanceof InDoubt || spoilsConnection(error)
    throw error instanceof InDoubt ? error.cause : classify(error, context)
  } finally {
    client.off('error', ignore)
    client.release(spoilt)
  }
}

/**
 * Runs `act` between BEGIN and COMMIT (READ COMMITTED); a rejection rolls back. Throws RetryableError
 * (OUTCOME_UNKNOWN) when the connection was lost after COMMIT had been sent: then nobody knows yet. `committing` is
 * called as soon as COMMIT is sent. `first` are statements that go with BEGIN, and of which no answer is wanted.
 */
export async function withTransaction<T>(
  pool: Pool,
  act: (client: Client) => Promise<T>,
  committing?: () => Promise<void> | void,
  first = '',
): Promise<T> {
  return inTransaction(pool, act, (client) => commit(client, nameOf(pool), committing), first)
}

/** Runs `act` in a transaction of which nothing stays, however it ends. */
export async function rolledBack<T>(pool: Pool, act: (client: Client) => Promise<T>): Promise<T> {
  return inTransaction(pool, act, (client) => client.query('rollback'))
}

const begin = 'begin isolation level read committed'

async function inTransaction<T>(
  pool: Pool,
  act: (client: Client) => Promise<T>,
  end: (client: Client) => Promise<unknown>,
  first = '',
): Promise<T> {
  return withClient(pool, async (client) => {
    let result: T
    try {
      await client.query(first === '' ? begin : `${begin}; ${first}`)
      result = await act(client)
    } catch (error) {
      await rollBack(client, error)
      throw error
    }
    await end(client)
    return result
  })
}

/** Leaves the error as it is; says only that the connection cannot be used any more when rolling back failed too. */
async function rollBack(client: Client, error: unknown): Promise<void> {
  if (spoilsConnection(error) && isDriverError(error)) return
  try {
    await client.query('rollback')
  } catch {
    throw new InDoubt(error)
  }
}

async function commit(
  client: Client,
  database: string,
  committing: (() => Promise<void> | void) | undefined,
): Promise<void> {
  let tag: string
  try {
    const [answer] = await Promise.all([client.query('commit'), committing?.()])
    tag = answer.command
  } catch (error) {
    throw spoilsConnection(error) ? new InDoubt(classify(error, { database, committing: true })) : error
  }
  // The server answers COMMIT of a transaction that failed before with ROLLBACK, and calls it a success.
  if (tag !== 'COMMIT') throw new Error(`the server answered COMMIT with ${tag}: a statement before it had failed`)
}

/** Carries an error past `withClient` together with the news that the connection is not to be used again. */
class InDoubt extends Error {
  constructor(cause: unknown) {
    super('the state of the connection is in doubt', { cause })
  }
}

const isDriverError = (error: unknown): boolean => error instanceof Error

/** Text as it stands in a statement that takes no parameters. */
export const quoteLiteral = (text: string): string => pg.escapeLiteral(text)

/** The server's process behind a connection, as in pg_stat_activity; null before it is known. */
export const backendOf = (client: Client): number | null =>
  'processID' in client && typeof client.processID === 'number' ? client.processID : null

/** host:port/database of the pool, for messages. */
export const nameOf = (pool: Pool): string => names.get(pool) ?? 'the database'

function databaseOf(connectionString: string): string {
  if (!URL.canParse(connectionString)) return 'the database'
  const { hostname, port, pathname } = new URL(connectionString)
  return `${hostname || 'localhost'}:${port || '5432'}${pathname}`
}

const asText = (text: string): string => text
const int8 = 20
const date = 1082
const timestamp = 1114
const numeric = 1700

function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  if (format !== 'binary') {
    if (oid === int8 || oid === numeric || oid === date) return asText
    // The driver would read it in the time zone of this process.
    if (oid === timestamp) return (text: string): Date | string => timestampOf(text)
  }
  return pg.types.getTypeParser(oid, format ?? 'text')
}

/** `infinity`, and years that RFC 3339 cannot write, stay text. */
function timestampOf(text: string): Date | string {
  const time = new Date(`${text.replace(' ', 'T')}Z`)
  return Number.isNaN(time.getTime()) ? text : time
}
