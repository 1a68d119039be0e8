// What stands in the ranges of a sink's table, counted, hashed and compared by its own server. Reads the table; what it
// writes is in a temporary table, and is taken back.
import { TerminalError } from '../contract/errors.ts'
import type { KeyKind, KeyRange } from '../contract/range.ts'
import type { RowDifference } from '../contract/run-certificate.ts'
import { columnTypeOf } from '../postgres/column-encoder.ts'
import { CopyBuffer } from '../postgres/copy-binary.ts'
import { copyIn } from '../postgres/copy-in.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, rolledBack, withTransaction } from '../postgres/pool.ts'
import { recordHashSql, rowHashSql } from '../postgres/record-hash.ts'
import { rangeColumnType, rangeValues, withinRange } from './postgres-range.ts'
import type { Target } from './postgres-target.ts'
import type { RowBuffer, StoredCertificate } from './sink.ts'

export interface StoredTable {
  readonly pool: Pool
  readonly target: Target
  /** Column that holds the source's key. */
  readonly range: string
  /** Columns that find a row. */
  readonly key: readonly string[]
  /** Name of the column that a buffer's rows begin with, their number; null: they have none, and no two the same key. */
  readonly number: string | null
  /** Columns whose values must not be repeated. */
  readonly redact: readonly string[]
}

const wholeDayMs = 86_400_000
/** Beyond so many separate stretches, the rows between them are read over. */
const mostStretches = 64

/** Count and hash of each range, in one pass over the table; ranges of one kind, ascending and disjoint. */
export async function storedTotals(
  { pool, target, range: column }: StoredTable,
  ranges: readonly KeyRange[],
): Promise<readonly StoredCertificate[]> {
  if (ranges.length === 0) return []
  const totals: StoredCertificate[] = ranges.map(() => ({ rows: 0, contentHash: '0' }))
  const stretches = stretchesOf(ranges)
  await unhurried(pool, async (client) => {
    for (const stretch of stretches.length > mostStretches ? [allOf(ranges)] : stretches)
      for (const { at, rows, hash } of await totalsOf(client, target, column, stretch))
        totals[at] = { rows: Number(rows), contentHash: hash }
  })
  return totals
}

/** Ranges that follow each other, and their places. */
interface Stretch {
  readonly kind: KeyKind
  readonly from: string
  readonly to: string
  /** Where ranges begin or end, ascending; `places[i]` is the range that begins at `edges[i]`, undefined: none does. */
  readonly edges: readonly string[]
  readonly places: readonly (number | undefined)[]
}

function stretchesOf(ranges: readonly KeyRange[]): readonly Stretch[] {
  const stretches: { kind: KeyKind; from: string; to: string; edges: string[]; places: number[] }[] = []
  for (const [at, { kind, from, to }] of ranges.entries()) {
    const last = stretches.at(-1)
    if (last === undefined || last.to !== from) stretches.push({ kind, from, to, edges: [from], places: [at] })
    else {
      last.edges.push(from)
      last.places.push(at)
      last.to = to
    }
  }
  return stretches
}

function allOf(ranges: readonly KeyRange[]): Stretch {
  const edges: string[] = []
  const places: (number | undefined)[] = []
  for (const [at, { from, to }] of ranges.entries()) {
    if (edges.at(-1) === from) places[places.length - 1] = at
    else {
      edges.push(from)
      places.push(at)
    }
    edges.push(to)
    places.push(undefined)
  }
  // What ends the last one, the condition says: there may be no such value.
  edges.pop()
  places.pop()
  const [first, last] = [ranges[0], ranges.at(-1)]
  if (first === undefined || last === undefined) throw new TypeError('no ranges')
  return { kind: first.kind, from: first.from, to: last.to, edges, places }
}

async function totalsOf(
  client: Client,
  target: Target,
  column: string,
  { kind, from, to, edges, places }: Stretch,
): Promise<{ at: number; rows: string; hash: string }[]> {
  const type = rangeColumnType(target, column, kind)
  // As many edges lie at or below a value as the number of its bucket.
  const bucket = edges.length === 1 ? '1' : `width_bucket(${quoteIdentifier(column)}::${type}, $3::${type}[])`
  const counted = {
    text: `select ${bucket} as bucket, count(*) as rows, ${recordHashSql(target.columns)} as hash
             from ${target.name.sql} where ${withinRange(target, column, kind)} group by 1`,
    values: edges.length === 1 ? [from, to] : [from, to, edges],
    query_timeout: wholeDayMs,
  }
  const { rows } = await client.query<{ bucket: number; rows: string; hash: string }>(counted)
  return rows.flatMap(({ bucket, ...row }) => {
    const at = places[Number(bucket) - 1]
    return at === undefined ? [] : [{ at, ...row }]
  })
}

/**
 * Compares the rows that ought to stand in a range, in the order of its column, with those that do, and names those that
 * differ, at most `limit`. Throws TerminalError (SOURCE_NOT_READABLE) when the rows come in another order.
 */
export async function rowDifferences(
  table: StoredTable,
  range: KeyRange,
  pages: AsyncIterable<RowBuffer>,
  limit: number,
): Promise<readonly RowDifference[]> {
  return rolledBack(table.pool, async (client) => {
    await client.query('set local statement_timeout = 0')
    const comparison = new Comparison(client, table, range)
    await comparison.begin()
    for await (const page of pages) {
      if (!(page instanceof CopyBuffer)) throw new TypeError('the rows are in a buffer of another sink')
      await comparison.add(page)
      if (comparison.found.length >= limit) return comparison.found.slice(0, limit)
    }
    await comparison.end()
    return comparison.found.slice(0, limit)
  })
}

const expected = 'pg_temp.tidemark_expected'

/** Page by page, so that no more than one page is held: what lies below the greatest key of a page is complete. */
class Comparison {
  readonly found: RowDifference[] = []
  private readonly client: Client
  private readonly table: StoredTable
  private readonly range: KeyRange
  private readonly type: string
  private readonly column: string
  private readonly columns: string
  /** Everything below it is compared; as the server writes it, null: nothing is. */
  private lower: string | null = null

  constructor(client: Client, table: StoredTable, range: KeyRange) {
    const { target } = table
    this.client = client
    this.table = table
    this.range = range
    this.type = rangeColumnType(target, table.range, range.kind)
    this.column = `${quoteIdentifier(table.range)}::${this.type}`
    this.columns = target.columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  }

  async begin(): Promise<void> {
    const { target, number } = this.table
    const columns = number === null ? this.columns : `0 as ${number}, ${this.columns}`
    await this.client.query(
      `create temp table ${expected.slice('pg_temp.'.length)} as select ${columns} from ${target.name.sql} with no data`,
    )
  }

  /** Of rows with equal keys the last one stands. */
  private get sent(): string {
    const { key, number } = this.table
    if (number === null) return expected
    const keys = key.map(quoteIdentifier).join(', ')
    return `(select distinct on (${keys}) * from ${expected} order by ${keys}, ${number} desc) as sent`
  }

  async add(page: CopyBuffer): Promise<void> {
    if (page.rows === 0) return
    const { number } = this.table
    const columns = number === null ? this.columns : `${number}, ${this.columns}`
    await copyIn(this.client, `copy ${expected} (${columns}) from stdin (format binary)`, page)
    // No min and max: not every type has them on every server.
    const end = (order: string): string => `(select ${this.column} from ${expected} order by 1 ${order} limit 1)`
    const { rows } = await this.client.query<{ least: string; most: string; late: boolean }>(
      `select ${end('asc')}::text as least, ${end('desc')}::text as most,
              coalesce(${end('asc')} < $1::${this.type}, false) as late`,
      [this.lower],
    )
    const [row] = rows
    if (row === undefined) return
    if (row.late)
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `the rows do not come in the order of column "${this.table.range}": ${row.least} follows ${this.lower}`,
      )
    await this.compareBelow(row.most)
  }

  async end(): Promise<void> {
    await this.compareBelow(null)
  }

  private async compareBelow(upper: string | null): Promise<void> {
    const { target } = this.table
    const bounds = [this.lower, upper]
    const below = `($1::${this.type} is null or ${this.column} >= $1::${this.type})
               and ($2::${this.type} is null or ${this.column} < $2::${this.type})`
    const stored = `${below} and ${withinRange(target, this.table.range, this.range.kind, ['$3', '$4'])}`
    const values = [...bounds, ...rangeValues(this.range)]
    const { rows } = await this.client.query<{ same: boolean }>(
      `select (select row(count(*), ${recordHashSql(target.columns)}) from ${this.sent} where ${below})
            = (select row(count(*), ${recordHashSql(target.columns)}) from ${target.name.sql} where ${stored}) as same`,
      values,
    )
    if (rows[0]?.same !== true) await this.nameDifferences(below, stored, values)
    if (upper !== null)
      await this.client.query(`delete from ${expected} where ${this.column} < $1::${this.type}`, [upper])
    this.lower = upper ?? this.lower
  }

  private async nameDifferences(below: string, stored: string, values: readonly unknown[]): Promise<void> {
    const { target, key } = this.table
    const texts = (names: readonly string[]): string =>
      `array[${names.map((name) => `${quoteIdentifier(name)}::text`).join(', ')}]`
    const each = `${texts(key)} as key, ${rowHashSql(target.columns)} as hash, ${this.column} as place,
                  to_jsonb(${texts(target.columns.map(({ name }) => name))}) as "row"`
    const { rows } = await this.client.query<DifferingRow>(
      `select key, sum(sent)::int as sent, sum(stored)::int as stored, (array_agg("row"))[1] as "row"
         from (select ${each}, 1 as sent, 0 as stored from ${this.sent} where ${below}
               union all
               select ${each}, 0, 1 from ${target.name.sql} where ${stored}) as compared
        group by key, hash having sum(sent) <> sum(stored)
        order by (array_agg(place))[1], key limit ${mostRows}`,
      [...values],
    )
    for (const same of byKey(rows)) this.found.push(...differencesOf(this.table, same))
  }
}

/** Rows of one comparison: enough for whoever wants a hundred differences, each of two rows. */
const mostRows = 1_000

interface DifferingRow {
  readonly key: readonly (string | null)[]
  readonly sent: number
  readonly stored: number
  /** Values of the target's columns, in their order. */
  readonly row: readonly (string | null)[]
}

function byKey(rows: readonly DifferingRow[]): Iterable<readonly DifferingRow[]> {
  return Map.groupBy(rows, ({ key }) => JSON.stringify(key)).values()
}

/** What is sent and not there, and what is there and not sent, of one key: a pair of them is a row that was changed. */
function differencesOf(table: StoredTable, rows: readonly DifferingRow[]): RowDifference[] {
  const missing = rows.flatMap((row) => Array<DifferingRow>(Math.max(0, row.sent - row.stored)).fill(row))
  const more = rows.flatMap((row) => Array<DifferingRow>(Math.max(0, row.stored - row.sent)).fill(row))
  return Array.from({ length: Math.max(missing.length, more.length) }, (_, at) =>
    difference(table, missing[at], more[at]),
  )
}

function difference(
  { key, target, redact }: StoredTable,
  sent: DifferingRow | undefined,
  stored: DifferingRow | undefined,
): RowDifference {
  const values = sent?.key ?? stored?.key ?? []
  const found = Object.fromEntries(
    key.map((name, at) => [name, redact.includes(name) ? '(redacted)' : (values[at] ?? null)]),
  )
  if (sent === undefined) return { what: (stored?.sent ?? 0) > 0 ? 'doubled' : 'extra', key: found, columns: [] }
  if (stored === undefined) return { what: 'missing', key: found, columns: [] }
  const columns = target.columns
    .map(({ name }, at) => ({ name, sent: sent.row[at] ?? null, stored: stored.row[at] ?? null }))
    .filter((column) => column.sent !== column.stored)
    .map((column) => (redact.includes(column.name) ? { name: column.name } : column))
  return { what: 'changed', key: found, columns }
}

/** As long as the table takes. */
async function unhurried<Result>(pool: Pool, act: (client: Client) => Promise<Result>): Promise<Result> {
  return withTransaction(pool, async (client) => {
    await client.query('set local statement_timeout = 0')
    return act(client)
  })
}

/** Columns of a unique key that finds a row; the column of the range where there is none. */
export async function keyOf({
  pool,
  target,
  range,
}: Pick<StoredTable, 'pool' | 'target' | 'range'>): Promise<readonly string[]> {
  const { rows } = await pool.query<{ columns: string[] }>(
    `select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
                    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                   where k.place <= i.indnkeyatts order by k.place) as columns
       from pg_index i where i.indrelid = $1::regclass and i.indisunique and i.indisvalid and i.indpred is null
        and i.indexprs is null order by i.indisprimary desc, i.indexrelid`,
    [target.name.sql],
  )
  const written = target.columns.filter((column) => columnTypeOf(column) !== undefined).map(({ name }) => name)
  return rows.find(({ columns }) => columns.every((column) => written.includes(column)))?.columns ?? [range]
}
