// What makes a run over a table slow, or leaves rows out, and does not make it impossible.
import { z } from 'zod'
import type { PinnedBounds } from '../contract/plan.ts'
import { quoteIdentifier, type TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import { estimatedRows } from './postgres-catalog.ts'
import type { Catalogue } from './postgres-schema.ts'

/** Below, to read the whole table for each partition costs next to nothing. */
const smallBytes = 16 * 1024 * 1024
/** Of the rows, changed since the statistics were taken. */
const staleShare = 0.2

const Facts = z.object({
  bytes: StoredCount,
  /** Null: never analysed. */
  rows: z.number().nullable(),
  changed: StoredCount,
  analysed: z.date().nullable(),
  /** Of indexes. */
  expressions: z.array(z.string()),
})

/** Each names the cause, what it costs, and the remedy. */
export async function tableWarnings(
  pool: Pool,
  table: TableName,
  { columns, indexes }: Catalogue,
  key: readonly string[],
  bounds: PinnedBounds,
): Promise<readonly string[]> {
  const { rows } = await query(
    pool,
    `select pg_table_size(c.oid) as bytes,
            case when c.reltuples >= 0 then c.reltuples::float8 end as rows, coalesce(s.n_mod_since_analyze, 0) as changed,
            greatest(s.last_analyze, s.last_autoanalyze) as analysed,
            array(select pg_get_expr(i.indexprs, i.indrelid) from pg_index i
                   where i.indrelid = c.oid and i.indisvalid and i.indexprs is not null) as expressions
       from pg_class c left join pg_stat_all_tables s on s.relid = c.oid where c.oid = $1::regclass`,
    [table.sql],
  )
  const { bytes, rows: known, changed, analysed, expressions } = Facts.parse(rows[0])
  const name = `table ${table.schema}.${table.table}`
  const along = bounds.kind === 'key' ? bounds.columns : 'column' in bounds ? [bounds.column] : []
  const hashed = 'hashed' in bounds && bounds.hashed === true
  const isIndexed = hashed
    ? expressions.some((expression) => /hashtextextended/.test(expression) && expression.includes(along.join()))
    : indexes.some((index) => along.every((column, at) => index.columns[at] === column))
  const wanted = hashed
    ? `hashtextextended(${along.map(quoteIdentifier).join()}::text, 0)`
    : [...new Set([...along, ...key])].map(quoteIdentifier).join(', ')
  const whole = `${Math.round(bytes / 1024 / 1024).toLocaleString('en')} MB`
  const nullable = columns.filter(({ name: column, notNull }) => along.includes(column) && !notNull)
  const withoutValue = await Promise.all(
    nullable.map(async (column) => ({
      column: column.name,
      rows: await estimatedRows(pool, table, { sql: `t.${quoteIdentifier(column.name)} is null`, values: [] }),
    })),
  )
  return [
    ...(along.length > 0 && !isIndexed && bytes > smallBytes
      ? [
          `no index of ${name} begins with (${hashed ? wanted : along.join(', ')}): every chunk reads the whole table (${whole}); create index on ${table.sql} (${wanted})`,
        ]
      : []),
    ...withoutValue.flatMap(({ column, rows: without }) =>
      // The least that the server estimates is one.
      without !== null && without > 1
        ? [
            `about ${without.toLocaleString('en')} rows of ${name} have no value in "${column}", and are in no partition`,
          ]
        : [],
    ),
    ...(known === null
      ? [`${name} was never analysed: how many rows there are is not known; analyze ${table.sql}`]
      : []),
    ...(known !== null && changed > Math.max(1_000, staleShare * known)
      ? [
          `the statistics of ${name} are old: ${changed.toLocaleString('en')} rows were changed since ${analysed?.toISOString() ?? 'they were taken'}; analyze ${table.sql}`,
        ]
      : []),
  ]
}
