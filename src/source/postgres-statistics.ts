// How the rows of a table lie over the values of a column: by the server's statistics, else by a look at its rows.
// Reads: the catalogue, and at most some thousand blocks of the table. Writes: nothing.
import type { NumberedKind } from '../contract/range.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { nameOf } from './order-term.ts'
import type { Condition, TableColumn } from './postgres-catalog.ts'
import { numbered, numberOf } from './postgres-numbers.ts'
import { sampleOf } from './postgres-sample.ts'
import type { ValueStatistics } from './row-spread.ts'

interface Domain {
  readonly from: bigint
  readonly to: bigint
}

/** Fewer rows than this are all looked at. */
const fewRows = 50_000
/** With fewer of its buckets in the domain, the server's statistics say too little about it. */
const leastBuckets = 20
/** A larger share of the table written since it was analysed makes its statistics old. */
const staleShare = 0.1
const mostQuantiles = 1_000

export interface Statistics extends ValueStatistics {
  /** Rows of the domain, where the look at them told. */
  readonly rows: number | null
}

/**
 * What is known of [from, to) of the column, of which the server believes that it has `estimatedRows` (null: it does not
 * know). `within` holds for the rows of the domain.
 */
export async function valueStatistics(
  pool: Pool,
  table: TableName,
  kind: NumberedKind,
  column: TableColumn,
  domain: Domain,
  within: Condition,
  estimatedRows: number | null,
): Promise<Statistics> {
  const name = nameOf(column)
  const look = async (from: string): Promise<bigint[]> => {
    const { rows } = await query<{ value: string }>(
      pool,
      `select (${numbered(kind, column, name)})::text as value ${from} where ${within.sql} order by ${name}`,
      within.values,
    )
    return rows.map(({ value }) => numberOf(kind, value))
  }
  if (estimatedRows !== null && estimatedRows <= fewRows) {
    const values = await look(`from ${table.sql} as t`)
    return { quantiles: quantilesOf(values), mostCommon: [], rows: values.length }
  }
  const known = await serverStatistics(pool, table, kind, column)
  if (known !== null && tells(known, domain)) return { ...known, rows: null }
  const sample = await sampleOf(pool, table)
  const values = await look(sample.from)
  const rows = estimatedRows ?? Math.round((values.length * 100) / sample.percent)
  return { quantiles: quantilesOf(values), mostCommon: [], rows }
}

/** Enough of its buckets lie in the domain, and the domain does not go on where they end. */
function tells({ quantiles }: ValueStatistics, { from, to }: Domain): boolean {
  const inside = quantiles.filter((value) => value >= from && value < to)
  const [first, last] = [quantiles[0], quantiles.at(-1)]
  if (inside.length < leastBuckets || first === undefined || last === undefined) return false
  const bucket = (last - first) / BigInt(quantiles.length - 1)
  return from >= first - bucket && to <= last + bucket + 1n
}

/** Null when the table was not analysed since much of it was written, or the column has no histogram. */
async function serverStatistics(
  pool: Pool,
  table: TableName,
  kind: NumberedKind,
  column: TableColumn,
): Promise<ValueStatistics | null> {
  const texts = (list: string): string =>
    `array(select (${numbered(kind, column, 'u.value')})::text from unnest(${list}::text::${column.type}[]) with ordinality as u (value, at) order by u.at)`
  const { rows } = await query<{ quantiles: string[]; common: string[]; shares: number[] | null; nulls: number }>(
    pool,
    `select ${texts('s.histogram_bounds')} as quantiles, ${texts('s.most_common_vals')} as common,
            s.most_common_freqs::float8[] as shares, s.null_frac::float8 as nulls
       from pg_stats s
       join pg_namespace n on n.nspname = s.schemaname
       join pg_class c on c.relnamespace = n.oid and c.relname = s.tablename
      where s.schemaname = $1 and s.tablename = $2 and s.attname = $3 and s.inherited = (c.relkind = 'p')
        and c.reltuples > 0 and s.histogram_bounds is not null
        and (select coalesce(sum(t.n_mod_since_analyze), 0) from pg_stat_all_tables t
              where t.relid = c.oid or t.relid in (select relid from pg_partition_tree(c.oid))) <= c.reltuples * ${staleShare}`,
    [table.schema, table.table, column.name],
  )
  const [row] = rows
  if (row === undefined) return null
  // Infinity has no place between other values.
  const isFinite = (text: string): boolean => kind === 'uuid' || /^-?\d+$/.test(text)
  const valued = 1 - row.nulls
  return {
    quantiles: row.quantiles.filter(isFinite).map((text) => numberOf(kind, text)),
    mostCommon: row.common.flatMap((text, at) =>
      isFinite(text) ? [{ value: numberOf(kind, text), share: (row.shares?.[at] ?? 0) / valued }] : [],
    ),
  }
}

/** At most a thousand and one of the values, which are in order, the first and the last among them. */
function quantilesOf(values: readonly bigint[]): bigint[] {
  const buckets = Math.min(mostQuantiles, values.length - 1)
  if (buckets < 1) return [...values, ...values]
  return Array.from({ length: buckets + 1 }, (_, at) => values[Math.round((at * (values.length - 1)) / buckets)] ?? 0n)
}
