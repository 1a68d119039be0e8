// The rows of a table as they lie on disk, block by block: those of one moment that are as they were then.
// When the bounds are pinned, every transaction with an id below a certain one has ended. A row that one of those wrote
// lies where it lies until it is changed, and then its new version is written by a later one. So each is read once or
// never, whatever happens to the table meanwhile and however often reading is interrupted, and no transaction has to be
// held open. (A snapshot would not do: it does not name the subtransactions that are in progress.)
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { Cursor } from '../contract/range.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import { readCursor, writeCursor } from './postgres-cursor.ts'
import { fetchTexts, type Statement } from './postgres-pages.ts'
import { sourceUnreadable } from './source-unreadable.ts'
import type { TextRow } from './text-rows.ts'

/** TID range scans came with 14. */
const leastVersion = 140_000
/** As `plan/cut-blocks` makes it. */
export const BlockLocator = z.object({
  beforeXid: z.number(),
  filenode: z.number(),
  rowsPerBlock: z.number().positive(),
})
export type BlockLocator = z.infer<typeof BlockLocator>

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

/** Transaction ids are compared as they stand in rows, which have 32 bits of them. */
const wrapped = 'pg_snapshot_xmax(pg_current_snapshot())::text::numeric >= 4294967296'

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
    ...(is.relkind === 'r' || is.relkind === 'm'
      ? []
      : ['it is no table with blocks of its own, but a view, a partitioned or a foreign table']),
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
 * Waits until all transactions of this database have ended that had an id when it was asked. Resolves with the first id
 * that had not been given then. Throws TerminalError (SOURCE_NOT_READABLE) with who is still at it after `limitMs`.
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

export interface BlockRange {
  readonly table: TableName
  /** SQL of what is selected of the table `t`. */
  readonly list: readonly string[]
  readonly from: number
  readonly to: number
  readonly locator: BlockLocator
}

/** A page of texts, with the row's place after what was selected. */
export interface BlockPage {
  readonly texts: readonly TextRow[]
  readonly cursor: Cursor | null
  readonly last: boolean
}

/**
 * Pages of at most `chunkRows` rows, in the order of their places. Looks at some blocks at a time, as many as hold a page
 * by the pinned estimate: the server sorts no more than those.
 */
export async function* readBlocks(
  pool: Pool,
  range: BlockRange,
  after: Cursor | null,
  chunkRows: number,
  signal: AbortSignal,
): AsyncGenerator<BlockPage> {
  const { to, list, locator } = range
  const width = Math.max(1, Math.ceil((chunkRows + 1) / locator.rowsPerBlock))
  let [cursor, place, isAtEnd] = [after, after === null ? startOf(range.from) : (readCursor(after)[0] ?? ''), false]
  let texts: readonly TextRow[] = []
  for (let last = false; !last; ) {
    while (texts.length <= chunkRows && !isAtEnd) {
      const end = Math.min(to, blockOf(place) + width)
      const limit = chunkRows + 1 - texts.length
      const found = await rowsBetween(pool, range, place, startOf(end), limit, signal)
      texts = [...texts, ...found]
      const reached = found.length === limit ? found.at(-1)?.[list.length] : null
      place = reached ?? startOf(end)
      isAtEnd = place === startOf(to)
    }
    last = texts.length <= chunkRows
    const page = texts.slice(0, chunkRows)
    texts = texts.slice(chunkRows)
    const reached = page.at(-1)?.[list.length]
    if (typeof reached === 'string') cursor = writeCursor([reached])
    yield { texts: page, cursor, last }
  }
}

/** Before every row of a block: their places count from 1. */
const startOf = (block: number): string => `(${block},0)`

function blockOf(place: string): number {
  const [, block] = /^\((\d+),\d+\)$/.exec(place) ?? []
  if (block === undefined) throw new RangeError(`"${place}" is no place of a row`)
  return Number(block)
}

/** Rows after a place and before another one; whether the blocks are what they were comes with them, and once without any. */
async function rowsBetween(
  pool: Pool,
  { table, list, locator }: BlockRange,
  after: string,
  before: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly TextRow[]> {
  const names = list.map((_, at) => `c${at}`)
  const statement: Statement = {
    text: `
      select ${names.map((name) => `p.${name}, `).join('')}p.place, now.same, now.wrapped
        from (select coalesce(pg_relation_filenode($1::regclass), 0)::int8 = $2::int8 as same, ${wrapped} as wrapped) as now
        left join lateral (
          select ${list.map((expression, at) => `${expression} as ${names[at]}, `).join('')}t.ctid as place
            from only ${table.sql} as t
           where t.ctid > $3::tid and t.ctid < $4::tid and t.xmin::text::int8 < $5::int8
           order by t.ctid limit ${limit}) as p on true
       order by p.place`,
    values: [table.sql, String(locator.filenode), after, before, String(locator.beforeXid)],
  }
  const rows = await fetchTexts(pool, statement, signal)
  const [first = []] = rows
  if (first[list.length + 1] !== 't')
    throw changed(
      table,
      'was written anew since (VACUUM FULL, CLUSTER, TRUNCATE, or a change of a column), and its blocks hold other rows',
    )
  if (first[list.length + 2] !== 'f')
    throw changed(
      table,
      'is on a server that has used up its first 4,294,967,296 transaction ids since, and rows do not tell a new one from an old one',
    )
  return first[list.length] === null ? [] : rows
}

const changed = ({ schema, table }: TableName, what: string): TerminalError =>
  sourceUnreadable([`table ${schema}.${table} ${what}: ask for a new run`])
