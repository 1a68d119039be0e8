// The rows of a table as they lie on disk, block by block: those of one moment that are as they were then.
// A row that was there and was not changed lies where it lay, and its xmin is of a transaction that the moment's snapshot
// shows; a row that came or was changed later has one that it does not show. So each is read once or never, whatever
// happens to the table meanwhile and however often reading is interrupted, and no transaction has to be held open.
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
/** A snapshot names every transaction in progress, and travels with each task. */
const mostInProgress = 200

/** As `plan/cut-blocks` makes it. */
export const BlockLocator = z.object({
  snapshot: z.string(),
  filenode: z.number(),
  rowsPerBlock: z.number().positive(),
})
export type BlockLocator = z.infer<typeof BlockLocator>

const Pinned = z.object({
  snapshot: z.string(),
  inProgress: StoredCount,
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
export async function pinBlocks(pool: Pool, table: TableName): Promise<PinnedBounds> {
  const { rows } = await query(
    pool,
    `select pg_current_snapshot()::text as snapshot,
            (select count(*) from pg_snapshot_xip(pg_current_snapshot())) as "inProgress",
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
  const { blocks, snapshot, filenode, inProgress, ...is } = Pinned.parse(rows[0])
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
    ...(inProgress > mostInProgress
      ? [`${inProgress} transactions are in progress, and a plan can name ${mostInProgress}: ask again later`]
      : []),
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
    snapshot,
    filenode,
    rowsPerBlock: Math.max(rowsPerBlock, leastRowsPerBlock),
    estimatedRows,
  }
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
           where t.ctid > $3::tid and t.ctid < $4::tid and pg_visible_in_snapshot(t.xmin::text::xid8, $5::pg_snapshot)
           order by t.ctid limit ${limit}) as p on true
       order by p.place`,
    values: [table.sql, String(locator.filenode), after, before, locator.snapshot],
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
