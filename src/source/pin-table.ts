// The domain of a run over a table, as it is now: from where to where, how many rows, and where they lie.
import type { NumberedBounds, PinnedBounds } from '../contract/plan.ts'
import { boundText, boundValue, type KeyRange } from '../contract/range.ts'
import type { ByQuantiles, PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { TableName } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { boundsAbove } from './bounds-above.ts'
import { keyParamBounds } from './key-param-bounds.ts'
import { keySteps } from './key-steps.ts'
import { listBounds } from './list-bounds.ts'
import { type OrderTerm, withinPlaces } from './order-term.ts'
import { paramBounds } from './param-bounds.ts'
import { partitionTerms, placesOf } from './partition-order.ts'
import { keyBounds, tableBounds } from './postgres-bounds.ts'
import { type Condition, estimatedRows, type TableColumn } from './postgres-catalog.ts'
import { numberedKindOf } from './postgres-numbers.ts'
import { valueStatistics } from './postgres-statistics.ts'
import { spreadOf, storedSpread } from './row-spread.ts'

/** A way of cutting whose columns are known. */
export type ColumnsBy = Exclude<PartitionBy, { kind: 'rowGroup' | 'rows' | 'bytes' | 'offsets' | 'blocks' | 'auto' }>

/** The domain as it is now; of `before`, what has come in above. Throws TerminalError (PARAMS_INVALID, PLAN_INVALID, SOURCE_NOT_READABLE). */
export async function pinTable(
  pool: Pool,
  table: TableName,
  by: ColumnsBy,
  columns: readonly TableColumn[],
  params: AnyRow,
  before?: PinnedBounds,
): Promise<PinnedBounds> {
  const [column] = columns
  if (column === undefined) throw new TypeError('no partition column was looked up')
  if (by.kind === 'hash') return pinRing(pool, table, column)
  if (by.kind === 'list') return listBounds(pool, column, by, params)
  const kind = columns.length > 1 ? null : numberedKindOf(column)
  if (by.kind === 'quantiles' && kind === null) return pinKeys(pool, table, by, columns, params)
  if (kind === null) throw new TypeError(`column "${column.name}" cannot be cut by ${by.kind}`)
  const ends =
    by.bounds === null
      ? boundsAbove(kind, column.name, before, await tableBounds(pool, table, kind, column))
      : paramBounds(kind, by.bounds, params, by.kind === 'key' ? 'UTC' : by.timezone)
  const within = withinOf({ kind, ...ends }, partitionTerms({ kind, hashed: false }, [column]))
  const rows = await estimatedRows(pool, table, within)
  const pinned: NumberedBounds = { kind, column: column.name, ...ends, estimatedRows: rows }
  return by.kind === 'quantiles' ? { ...pinned, ...(await spreadIn(pool, table, column, pinned, within)) } : pinned
}

/** Where the rows lie, and how many they are. */
async function spreadIn(
  pool: Pool,
  table: TableName,
  column: TableColumn,
  { kind, from, to, estimatedRows: rows }: NumberedBounds,
  within: Condition,
): Promise<Pick<NumberedBounds, 'estimatedRows' | 'spread'>> {
  const domain = { from: boundValue(kind, from), to: boundValue(kind, to) }
  if (domain.from >= domain.to) return { estimatedRows: 0 }
  const statistics = await valueStatistics(pool, table, kind, column, domain, within, rows)
  const known = statistics.rows ?? rows ?? 0
  const steps = spreadOf(statistics, domain, known)
  return { estimatedRows: known, spread: storedSpread(steps, (value) => boundText(kind, value)) }
}

/** The hashes of a column's values: all there can be, for they tell nothing of the order of the rows. */
async function pinRing(pool: Pool, table: TableName, column: TableColumn): Promise<PinnedBounds> {
  const rows = await estimatedRows(pool, table, { sql: 'true', values: [] })
  const [from, to] = [-(2n ** 63n), 2n ** 63n].map(String) as [string, string]
  return { kind: 'integer', column: column.name, from, to, hashed: true, estimatedRows: rows }
}

async function pinKeys(
  pool: Pool,
  table: TableName,
  { bounds, rows: size }: ByQuantiles<string, string>,
  columns: readonly TableColumn[],
  params: AnyRow,
): Promise<PinnedBounds> {
  const terms = partitionTerms({ kind: 'key', hashed: false }, columns)
  const ends =
    bounds === null ? await keyBounds(pool, table, columns) : await keyParamBounds(pool, columns, bounds, params)
  const within = withinOf({ kind: 'key', ...ends }, terms)
  const rows = await estimatedRows(pool, table, within)
  const spread = await keySteps(pool, table, terms, ends, within, size, rows)
  return { kind: 'key', columns: columns.map(({ name }) => name), ...ends, ...spread }
}

function withinOf(range: KeyRange, terms: readonly OrderTerm[]): Condition {
  const values: string[] = []
  const sql = withinPlaces(terms, placesOf(range, terms), (value) => `$${values.push(value)}`).join(' and ')
  return { sql, values }
}
