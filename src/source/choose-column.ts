import { TerminalError } from '../contract/errors.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { numberedKindOf } from './postgres-numbers.ts'
import { isOrdered } from './postgres-schema.ts'

export interface ChosenColumns {
  /** One, or those of the key. */
  readonly columns: readonly string[]
  /** For people. */
  readonly why: string
}

interface Candidate {
  readonly name: string
  /** From -1 to 1: how far the order of the values is that of the rows on disk; null when it is not known. */
  readonly correlation: number | null
}

/**
 * The column along which a table is cut when nobody said so: of those that are never null and lead an index, that in
 * whose order the table lies on disk; the key, where several do or nothing is known, or where there is none whose values
 * can be computed with. Reading in another order fetches a block for nearly every row. Throws TerminalError
 * (PLAN_INVALID) when the key has no order either.
 */
export async function chooseColumn(
  pool: Pool,
  table: TableName,
  columns: readonly TableColumn[],
  key: readonly string[],
): Promise<ChosenColumns> {
  const fitting = columns.filter((column) => numberedKindOf(column) !== null && column.notNull)
  const { rows: indexed } = await query<Candidate>(
    pool,
    `select a.attname as name, max(s.correlation)::float8 as correlation
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_index i on i.indrelid = c.oid and i.indisvalid and i.indpred is null
       join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam and am.amname = 'btree'
       join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
       left join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname
        and s.inherited = (c.relkind = 'p')
      where n.nspname = $1 and c.relname = $2 and a.attname = any ($3)
      group by a.attname, a.attnum order by a.attnum`,
    [table.schema, table.table, fitting.map(({ name }) => name)],
  )
  const order = ({ name, correlation }: Candidate): number =>
    Math.abs(correlation ?? 0) + (key.length === 1 && key[0] === name ? nearlyAsGood : 0)
  const [best, ...others] = indexed.toSorted((a, b) => order(b) - order(a))
  if (best === undefined && key.every((name) => columns.some((column) => column.name === name && isOrdered(column))))
    return {
      columns: key,
      why: `the key ${key.map((name) => `"${name}"`).join(', ')}: no integer, numeric, time or uuid column leads an index`,
    }
  if (best === undefined)
    throw new TerminalError(
      'PLAN_INVALID',
      `table "${table.schema}.${table.table}" has no integer, numeric, time or uuid column that is not null and leads an index, nor a key in whose order it could be cut: add one, or cut by a column with partition.byQuantiles`,
    )
  return { columns: [best.name], why: whyOf(best, others) }
}

/** The key is unique, and so the better one of two that order the table alike. */
const nearlyAsGood = 0.05

function whyOf(best: Candidate, others: readonly Candidate[]): string {
  const shown = ({ name, correlation }: Candidate): string =>
    `"${name}" (${correlation === null ? 'correlation not known' : `correlation ${correlation.toFixed(2)}`})`
  const rest = others.length === 0 ? '' : `; the others: ${others.map(shown).join(', ')}`
  return `${shown(best)} is the indexed column in whose order the table lies on disk, as far as its statistics tell${rest}`
}
