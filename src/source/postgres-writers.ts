import { setTimeout as wait } from 'node:timers/promises'
import { TerminalError } from '../contract/errors.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'

const lookEveryMs = 50

/**
 * Waits until every transaction that is writing to the table, or to a part of it, has ended: what it wrote is to be seen
 * then. An INSERT locks its table before it takes its key from a sequence, so after this nothing comes in any more below
 * the largest key that was seen before it. Throws TerminalError (SOURCE_NOT_READABLE) with who is still writing after
 * `limitMs`.
 */
export async function writersEnded(pool: Pool, table: TableName, limitMs: number, signal: AbortSignal): Promise<void> {
  const atFirst = new Set((await writersOf(pool, table)).map(({ transaction }) => transaction))
  const untilMs = performance.now() + limitMs
  for (;;) {
    if (atFirst.size === 0) return
    const left = (await writersOf(pool, table)).filter(({ transaction }) => atFirst.has(transaction))
    if (left.length === 0) return
    if (performance.now() >= untilMs) {
      const who = left.map(({ pid }) => (pid === null ? 'a prepared transaction' : `process ${pid}`)).join(', ')
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `table ${table.sql}: ${who} of the server wrote to it before the bounds were pinned and has not committed, ` +
          'so rows could come in below them that no run would see: ask again when it has ended',
      )
    }
    await wait(lookEveryMs, undefined, { signal })
  }
}

interface Writer {
  readonly transaction: string
  /** Null: it is prepared, and nobody's session. */
  readonly pid: number | null
}

async function writersOf(pool: Pool, table: TableName): Promise<Writer[]> {
  const { rows } = await query<Writer>(
    pool,
    `select distinct virtualtransaction as transaction, pid from pg_locks
      where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
        and database = (select oid from pg_database where datname = current_database())
        and (relation = $1::text::regclass or relation in (select relid from pg_partition_tree($1::text::regclass)))`,
    [table.sql],
  )
  return rows
}
