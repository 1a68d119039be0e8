import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { PinnedBounds } from '../contract/plan.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import { wrapped } from './block-pages.ts'
import { sourceUnreadable } from './source-unreadable.ts'

/** TID range scans came with 14. */
const leastVersion = 140_000
const Pinned = z.object({
  replica: z.boolean(),
  wrapped: z.boolean(),
  version: z.number(),
  relkind: z.string(),
  heap: z.boolean(),
  inherited: z.boolean(),
  filenode: StoredCount,
  blocks: StoredCount,
  rowsPerBlock: z.number().nullable(),
})

/** The blocks of a table and its rows as they are now. Throws TerminalError (SOURCE_NOT_READABLE) with everything that is in the way. */
export async function pinBlocks(
  pool: Pool,
  table: TableName,
  limitMs: number,
  signal: AbortSignal,
): Promise<PinnedBounds> {
  const beforeXid = await transactionsEnded(pool, limitMs, signal)
  // Only now: what they wrote lies in blocks that are counted.
  const { rows } = await query(
    pool,
    `select pg_is_in_recovery() as replica,
            ${wrapped} as wrapped,
            current_setting('server_version_num')::int4 as version,
            c.relkind, coalesce(am.amname = 'heap', false) as heap,
            exists (select from pg_inherits i where i.inhparent = c.oid) as inherited,
            coalesce(pg_relation_filenode(c.oid), 0)::int8 as filenode,
            case when c.relkind in ('r', 'm') then pg_relation_size(c.oid) / current_setting('block_size')::int8 else 0 end as blocks,
            case when c.reltuples > 0 and c.relpages > 0 then (c.reltuples / c.relpages)::float8 end as "rowsPerBlock"
       from pg_class c left join pg_am am on am.oid = c.relam where c.oid = $1::regclass`,
    [table.sql],
  )
  const { blocks, filenode, ...is } = Pinned.parse(rows[0])
  const problems = [
    ...(is.version < leastVersion ? ['the server is older than Postgres 14, which cannot read a range of blocks'] : []),
    ...(is.relkind === 'p' ? ['it is partitioned, and has no blocks of its own: name one of its partitions'] : []),
    ...(is.relkind === 'r' && !is.heap ? ['its rows do not lie in blocks: its access method is not heap'] : []),
    ...(is.inherited ? ['other tables inherit from it, whose rows lie in blocks of their own'] : []),
    ...(is.wrapped
      ? [
          'the server has used up its first 4,294,967,296 transaction ids, and rows do not tell a new one from an old one',
        ]
      : []),
    ...(is.replica ? ['the server is a replica, which does not know the transactions in progress'] : []),
  ]
  if (problems.length > 0)
    throw sourceUnreadable(
      problems.map(
        (problem) =>
          `partition.byBlocks of table ${table.schema}.${table.table}: ${problem}; or take byKey or byQuantiles`,
      ),
    )
  const rowsPerBlock = is.rowsPerBlock ?? (await sampled(pool, table))
  const estimatedRows = Math.round(rowsPerBlock * blocks)
  return {
    kind: 'blocks',
    blocks,
    beforeXid,
    filenode,
    rowsPerBlock: Math.max(rowsPerBlock, leastRowsPerBlock),
    estimatedRows,
  }
}

const lookEveryMs = 50

/**
 * Waits until all transactions of this database have ended that had an id when it was asked. Resolves with an id
 * below which all have ended. Throws TerminalError (SOURCE_NOT_READABLE) with who is still at it after `limitMs`.
 */
async function transactionsEnded(pool: Pool, limitMs: number, signal: AbortSignal): Promise<number> {
  const { rows } = await query(
    pool,
    `select pg_snapshot_xmax(s)::text as next, array(select x::text from pg_snapshot_xip(s) as x) as open from pg_current_snapshot() as s`,
  )
  const { next, open } = z.object({ next: StoredCount, open: z.array(z.string()) }).parse(rows[0])
  const untilMs = performance.now() + limitMs
  for (let left = open; left.length > 0; ) {
    // A transaction holds a lock on its own id; of another database it writes nothing here.
    const { rows: still } = await query<{ xid: string; pid: number | null }>(
      pool,
      `select x::text as xid, l.pid
         from pg_snapshot_xip(pg_current_snapshot()) as x
         left join pg_locks l on l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.transactionid::text = x::text
         left join pg_stat_activity a on a.pid = l.pid
        where x::text = any ($1::text[]) and (a.datname is null or a.datname = current_database())`,
      [left],
    )
    left = still.map(({ xid }) => xid)
    if (left.length > 0 && performance.now() >= untilMs) {
      const who = still.map(({ pid }) =>
        pid === null ? 'a prepared transaction' : `the transaction of process ${pid}`,
      )
      throw sourceUnreadable([
        `partition.byBlocks: ${who.join(', ')} began to write before the bounds were pinned and has not ended, so its rows could be read or not: ask again when it has`,
      ])
    }
    if (left.length > 0) await wait(lookEveryMs, undefined, { signal })
  }
  return next
}

/** Of an empty table, or one that is nearly so. */
const leastRowsPerBlock = 0.01
const sampledBlocks = 100

/** Of a table that was never analysed: of its first blocks. */
async function sampled(pool: Pool, table: TableName): Promise<number> {
  const { rows } = await query<{ rows: string; blocks: string }>(
    pool,
    `select count(*) as rows, greatest(1, least(${sampledBlocks}, pg_relation_size($1::regclass) / current_setting('block_size')::int8)) as blocks
       from only ${table.sql} as t where t.ctid < '(${sampledBlocks},0)'::tid`,
    [table.sql],
  )
  return Number(rows[0]?.rows ?? 0) / Number(rows[0]?.blocks ?? 1)
}
