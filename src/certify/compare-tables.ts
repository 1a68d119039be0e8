// Two tables beside each other, wherever they are: both servers count and hash the rows of each bucket of keys, and only
// buckets that differ are looked into. Reads both tables, once for the buckets and once for what differs; writes nothing.
import { TerminalError } from '../contract/errors.ts'
import type { RowDifference, RowsProof, TablesCertificate } from '../contract/run-certificate.ts'
import type { Column } from '../postgres/column.ts'
import { columnTypeNames, columnTypeOf } from '../postgres/column-encoder.ts'
import { quoteIdentifier, tableName } from '../postgres/identifier.ts'
import { type Client, nameOf, type Pool, withTransaction } from '../postgres/pool.ts'
import { readTable } from '../postgres/read-table.ts'
import { recordHashSql, rowHashSql } from '../postgres/record-hash.ts'
import { insteadOf } from '../source/nearest-name.ts'

/** Rows of a table. */
export interface Side {
  readonly pool: Pool
  /** As `schema.table`. */
  readonly table: string
}

export interface CompareOptions {
  /** Columns that find a row. */
  readonly key: readonly string[]
  /** Columns whose values matter; null: all that both have. */
  readonly columns: readonly string[] | null
  now(this: void): Date
}

const bucketBits = 12
const mostNamed = 100
/** Rows of differing buckets that are fetched, at most; a bucket that is larger is cut again. */
const mostFetched = 20_000

/**
 * Throws TerminalError (NOT_FOUND, PARAMS_INVALID) naming the table or column that is missing, or whose values cannot be
 * hashed alike on both sides.
 */
export async function compareTables(
  first: Side,
  second: Side,
  { key, columns, now }: CompareOptions,
  signal: AbortSignal,
): Promise<TablesCertificate> {
  const [a, b] = await Promise.all([describe(first), describe(second)])
  const names = columns ?? a.columns.map(({ name }) => name).filter((name) => b.columns.some((c) => c.name === name))
  const compared = { names: [...new Set([...key, ...names])], key }
  const problems = [a, b].flatMap((side) => problemsOf(side, compared))
  problems.push(...typeProblems(a, b, compared.names))
  if (key.length === 0) problems.push('key: names no column; those that find a row are right')
  if (problems.length > 0) throw new TerminalError('PARAMS_INVALID', problems.join('; '), { reasons: problems })
  const sides: readonly [Hashed, Hashed] = [hashedSide(a, compared), hashedSide(b, compared)]
  const totals = await bothSides(sides, (side) => bucketsOf(side, [], signal))
  const rows: RowDifference[] = []
  for await (const difference of differencesIn(sides, [], differing(totals), signal)) {
    rows.push(difference)
    if (rows.length === mostNamed) break
  }
  const [one, other] = [sumOf(totals[0]), sumOf(totals[1])]
  return {
    version: 1,
    certifies: 'tables',
    at: now().toISOString(),
    tables: [a.shown, b.shown],
    columns: [...compared.names],
    key: [...key],
    first: one,
    second: other,
    verdict: rows.length === 0 ? 'equal' : 'different',
    rows,
  }
}

interface Described extends Side {
  readonly shown: string
  readonly sql: string
  readonly columns: readonly Column[]
}

interface Hashed extends Described {
  readonly key: readonly Column[]
  readonly compared: readonly Column[]
}

async function describe({ pool, table }: Side): Promise<Described> {
  const name = tableName(table)
  const shown = `${nameOf(pool)}/${name.schema}.${name.table}`
  const found = await readTable(pool, name)
  if (found === null) throw new TerminalError('NOT_FOUND', `table ${shown} does not exist`)
  return { pool, table, shown, sql: name.sql, columns: found.columns }
}

function problemsOf({ shown, columns }: Described, { names }: { readonly names: readonly string[] }): string[] {
  const all = columns.map(({ name }) => name)
  return names.flatMap((name) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column === undefined) return [`${shown} has no column "${name}"; ${insteadOf(name, all)}`]
    if (!column.deterministic)
      return [`column "${name}" of ${shown} has a collation under which different texts are equal: leave it out`]
    return columnTypeOf(column) === undefined
      ? [
          `column "${name}" of ${shown} is ${column.type}, which cannot be hashed: name the others; ${columnTypeNames} can`,
        ]
      : []
  })
}

/** Equal values of different types have different hashes. */
function typeProblems(a: Described, b: Described, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const [one, other] = [a, b].map(({ columns }) => columns.find((column) => column.name === name))
    if (one === undefined || other === undefined || hashFamily(one) === hashFamily(other)) return []
    return [`column "${name}" is ${one.type} in ${a.shown} and ${other.type} in ${b.shown}: leave it out`]
  })
}

/** Types whose equal values have equal hashes. */
function hashFamily(column: Column): string {
  const name = columnTypeOf(column)?.name ?? column.type
  if (name === 'int2' || name === 'int4' || name === 'int8') return 'integer'
  return name === 'varchar' ? 'text' : name
}

function hashedSide(
  side: Described,
  { names, key }: { readonly names: readonly string[]; readonly key: readonly string[] },
): Hashed {
  const named = (wanted: readonly string[]): Column[] =>
    wanted.flatMap((name) => side.columns.find((column) => column.name === name) ?? [])
  return { ...side, key: named(key), compared: named(names) }
}

type Buckets = ReadonlyMap<number, RowsProof>

const bothSides = async <Result>(
  [a, b]: readonly [Hashed, Hashed],
  ask: (side: Hashed) => Promise<Result>,
): Promise<readonly [Result, Result]> => Promise.all([ask(a), ask(b)])

/** Where keys are: in these buckets, of a cut into as many again at each step. */
type Within = readonly (readonly number[])[]

const bucketSql = (side: Hashed, depth: number): string =>
  `((${rowHashSql(side.key)} >> ${depth * bucketBits}) & ${2 ** bucketBits - 1})::int`

const withinSql = (side: Hashed, within: Within): string =>
  within.map((_, depth) => `${bucketSql(side, depth)} = any ($${depth + 1}::int[])`).join(' and ') || 'true'

async function bucketsOf(side: Hashed, within: Within, signal: AbortSignal): Promise<Buckets> {
  signal.throwIfAborted()
  const rows = await unhurried<{ bucket: number; rows: string; hash: string }>(
    side,
    `select ${bucketSql(side, within.length)} as bucket, count(*) as rows, ${recordHashSql(side.compared)} as hash
       from ${side.sql} where ${withinSql(side, within)} group by 1`,
    within,
  )
  return new Map(rows.map(({ bucket, rows: count, hash }) => [bucket, { rows: Number(count), contentHash: hash }]))
}

interface DifferingBucket {
  readonly bucket: number
  /** Of both sides together. */
  readonly rows: number
}

function differing([a, b]: readonly [Buckets, Buckets]): readonly DifferingBucket[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort((one, other) => one - other)
    .flatMap((bucket) => {
      const [one, other] = [a.get(bucket) ?? nothing, b.get(bucket) ?? nothing]
      return one.rows === other.rows && one.contentHash === other.contentHash
        ? []
        : [{ bucket, rows: one.rows + other.rows }]
    })
}

const nothing: RowsProof = { rows: 0, contentHash: '0' }

/** As many buckets at once as may be fetched; a larger one is cut into its own buckets first. */
async function* differencesIn(
  sides: readonly [Hashed, Hashed],
  within: Within,
  buckets: readonly DifferingBucket[],
  signal: AbortSignal,
): AsyncGenerator<RowDifference> {
  let fetched: number[] = []
  let size = 0
  const isLargest = within.length >= 4
  for (const { bucket, rows } of buckets) {
    if (rows > mostFetched && !isLargest) {
      const inside = [...within, [bucket]]
      const cut = await bothSides(sides, (side) => bucketsOf(side, inside, signal))
      yield* differencesIn(sides, inside, differing(cut), signal)
      continue
    }
    if (size + rows > mostFetched && fetched.length > 0) {
      yield* fetchedDifferences(sides, [...within, fetched], signal)
      fetched = []
      size = 0
    }
    fetched.push(bucket)
    size += rows
  }
  if (fetched.length > 0) yield* fetchedDifferences(sides, [...within, fetched], signal)
}

interface FetchedRow {
  readonly key: readonly (string | null)[]
  readonly hash: string
  readonly row: readonly (string | null)[]
}

async function* fetchedDifferences(
  sides: readonly [Hashed, Hashed],
  within: Within,
  signal: AbortSignal,
): AsyncGenerator<RowDifference> {
  signal.throwIfAborted()
  const [a, b] = await bothSides(sides, async (side) => {
    const texts = (columns: readonly Column[]): string =>
      `array[${columns.map(({ name }) => `${quoteIdentifier(name)}::text`).join(', ')}]`
    const rows = await unhurried<FetchedRow>(
      side,
      `select ${texts(side.key)} as key, ${rowHashSql(side.compared)}::text as hash, ${texts(side.compared)} as "row"
         from ${side.sql} where ${withinSql(side, within)} order by 1, 2`,
      within,
    )
    return Map.groupBy(rows, ({ key }) => JSON.stringify(key))
  })
  for (const key of new Set([...a.keys(), ...b.keys()])) yield* ofKey(sides[0], a.get(key) ?? [], b.get(key) ?? [])
}

/** Rows of one key: what only one side has, pairwise a row that was changed. */
function* ofKey(
  { key, compared }: Hashed,
  first: readonly FetchedRow[],
  second: readonly FetchedRow[],
): Generator<RowDifference> {
  const onlyFirst = minus(first, second)
  const onlySecond = minus(second, first)
  const isCommon = first.length > onlyFirst.length
  for (let at = 0; at < Math.max(onlyFirst.length, onlySecond.length); at += 1) {
    const [one, other] = [onlyFirst[at], onlySecond[at]]
    const values = one?.key ?? other?.key ?? []
    const found = Object.fromEntries(key.map(({ name }, place) => [name, values[place] ?? null]))
    if (one === undefined) yield { what: isCommon ? 'doubled' : 'extra', key: found, columns: [] }
    else if (other === undefined) yield { what: 'missing', key: found, columns: [] }
    else
      yield {
        what: 'changed',
        key: found,
        columns: compared
          .map(({ name }, place) => ({ name, sent: one.row[place] ?? null, stored: other.row[place] ?? null }))
          .filter((column) => column.sent !== column.stored),
      }
  }
}

/** Each of `others` takes away one with its hash. */
function minus(rows: readonly FetchedRow[], others: readonly FetchedRow[]): readonly FetchedRow[] {
  const counts = new Map<string, number>()
  for (const { hash } of others) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  return rows.filter(({ hash }) => {
    const count = counts.get(hash) ?? 0
    if (count === 0) return true
    counts.set(hash, count - 1)
    return false
  })
}

function sumOf(buckets: Buckets): RowsProof {
  let [rows, hash] = [0, 0n]
  for (const bucket of buckets.values()) {
    rows += bucket.rows
    hash += BigInt(bucket.contentHash)
  }
  return { rows, contentHash: hash.toString() }
}

const wholeDayMs = 86_400_000

/** As long as the table takes. */
async function unhurried<Row>({ pool }: Hashed, text: string, within: Within): Promise<readonly Row[]> {
  return withTransaction(pool, async (client: Client) => {
    await client.query('set local statement_timeout = 0')
    const query = { text, values: [...within], query_timeout: wholeDayMs }
    return (await client.query<Row & Record<string, unknown>>(query)).rows
  })
}
