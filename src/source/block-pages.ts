// The rows of a table as they lie on disk, block by block: those of one moment that are as they were then.
// When the bounds are pinned, every transaction with an id below a certain one has ended. A row that one of those wrote
// lies where it lies until it is changed, and then its new version is written by a later one. So each is read once or
// never, whatever happens to the table meanwhile and however often reading is interrupted, and no transaction has to be
// held open. (A snapshot would not do: it does not name the subtransactions that are in progress.)
import { z } from 'zod'
import type { TerminalError } from '../contract/errors.ts'
import type { Cursor } from '../contract/range.ts'
import type { TableName } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { readCursor, writeCursor } from './postgres-cursor.ts'
import { fetchTexts, type Statement } from './postgres-pages.ts'
import { sourceUnreadable } from './source-unreadable.ts'
import type { TextRow } from './text-rows.ts'

/** As `plan/cut-blocks` makes it. */
export const BlockLocator = z.object({
  beforeXid: z.number(),
  filenode: z.number(),
  rowsPerBlock: z.number().positive(),
})
export type BlockLocator = z.infer<typeof BlockLocator>

/** Transaction ids are compared as they stand in rows, which have 32 bits of them. */
export const wrapped = 'pg_snapshot_xmax(pg_current_snapshot())::text::numeric >= 4294967296'

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

/** More than a block of any size holds: however small a page is, one block can be looked at. */
const mostInBlock = 2_000

/**
 * Pages of at most `chunkRows` rows, in the order of their places. Looks at some blocks at a time, about as many as hold a
 * page: the server need not sort what it reads in this order anyway, and nothing is read twice.
 */
export async function* readBlocks(
  pool: Pool,
  range: BlockRange,
  after: Cursor | null,
  chunkRows: number,
  signal: AbortSignal,
): AsyncGenerator<BlockPage> {
  const { to, list, locator } = range
  const placeAt = list.length
  const most = Math.max(2 * chunkRows, mostInBlock)
  let width = Math.max(1, Math.ceil(chunkRows / locator.rowsPerBlock))
  let [cursor, place] = [after, after === null ? startOf(range.from) : (readCursor(after)[0] ?? '')]
  let texts: TextRow[] = []
  for (let last = false; !last; ) {
    signal.throwIfAborted()
    while (texts.length <= chunkRows && place !== startOf(to)) {
      const end = Math.min(to, blockOf(place) + width)
      const found = await rowsBetween(pool, range, place, startOf(end), most + 1, signal)
      if (found.length > most) {
        // Rows lie more closely here than was believed.
        width = Math.max(1, Math.floor(width / 2))
        continue
      }
      for (const row of inOrder(found, placeAt)) texts.push(row)
      place = startOf(end)
    }
    last = texts.length <= chunkRows
    const page = last ? texts : texts.slice(0, chunkRows)
    texts = texts.slice(page.length)
    const reached = page.at(-1)?.[placeAt]
    if (typeof reached === 'string') cursor = writeCursor([reached])
    yield { texts: page, cursor, last }
  }
}

/** Rows as they lie, which is how a range of blocks is read; another way of reading is not ruled out. */
function inOrder(rows: readonly TextRow[], placeAt: number): readonly TextRow[] {
  const placed = rows.map((row) => ({ row, at: numberOf(row[placeAt] ?? '') }))
  const isInOrder = placed.every(({ at }, index) => index === 0 || at > (placed[index - 1]?.at ?? 0))
  return isInOrder ? rows : placed.sort((a, b) => a.at - b.at).map(({ row }) => row)
}

/** Block and place in it as one number. */
function numberOf(place: string): number {
  const comma = place.indexOf(',')
  return Number(place.slice(1, comma)) * 65_536 + Number(place.slice(comma + 1, -1))
}

/** Before every row of a block: their places count from 1. */
const startOf = (block: number): string => `(${block},0)`

function blockOf(place: string): number {
  const [, block] = /^\((\d+),\d+\)$/.exec(place) ?? []
  if (block === undefined) throw new RangeError(`"${place}" is no place of a row`)
  return Number(block)
}

const refusals: Readonly<Record<string, string>> = {
  rewritten:
    'was written anew since (VACUUM FULL, CLUSTER, TRUNCATE, or a change of a column), and its blocks hold other rows',
  wrapped:
    'is on a server that has used up its first 4,294,967,296 transaction ids since, and rows do not tell a new one from an old one',
}

/** Rows after a place and before another one, in any order, up to a limit, each with its place. */
async function rowsBetween(
  pool: Pool,
  { table, list, locator }: BlockRange,
  after: string,
  before: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly TextRow[]> {
  const names = list.map((_, at) => `c${at}`)
  // What stands in the way of reading is told by the one statement, instead of the place, and without a row too.
  const statement: Statement = {
    text: `
      select ${names.map((name) => `p.${name}, `).join('')}coalesce(now.refusal, p.place::text)
        from (select case when pg_relation_filenode($1::regclass) is distinct from $2::oid then 'rewritten'
                          when ${wrapped} then 'wrapped' end as refusal) as now
        left join lateral (
          select ${list.map((expression, at) => `${expression} as ${names[at]}, `).join('')}t.ctid as place
            from only ${table.sql} as t
           where t.ctid > $3::tid and t.ctid < $4::tid and t.xmin::text::int8 < $5::int8
           limit ${limit}) as p on true`,
    values: [table.sql, String(locator.filenode), after, before, String(locator.beforeXid)],
  }
  const rows = await fetchTexts(pool, statement, signal)
  const place = rows[0]?.[list.length] ?? null
  const refusal = place === null ? undefined : refusals[place]
  if (refusal !== undefined) throw changed(table, refusal)
  return place === null ? [] : rows
}

const changed = ({ schema, table }: TableName, what: string): TerminalError =>
  sourceUnreadable([`table ${schema}.${table} ${what}: ask for a new run`])
