import type { TableName } from '../postgres/identifier.ts'
import { nameOf, type Pool, query } from '../postgres/pool.ts'
import { nearestName } from './nearest-name.ts'

/** A column as a reader needs to know it. */
export interface TableColumn {
  readonly name: string
  /** The type as SQL writes it, for messages: "numeric(10,2)". */
  readonly label: string
  /** Name of the type (of the base type of a domain), such as int8; `enum` for any enumeration. */
  readonly type: string
  readonly oid: number
  readonly notNull: boolean
  /** By which texts of it are ordered, as SQL; null for what is no text. */
  readonly collation: string | null
  /** Texts of it that differ are never equal. */
  readonly deterministic: boolean
  readonly readable: boolean
}

/** SQL of a value in the order of the column. */
export const collated = ({ collation }: TableColumn, value: string): string =>
  collation === null ? value : `${value} collate ${collation}`

/** The columns of a table in their order; none when the table is missing. */
export async function tableColumns(pool: Pool, { schema, table }: TableName): Promise<readonly TableColumn[]> {
  const { rows } = await query<TableColumn>(
    pool,
    `select a.attname as name,
            format_type(a.atttypid, a.atttypmod) as label,
            case when base.typtype = 'e' then 'enum' else base.typname end as type,
            base.oid::int4 as oid,
            a.attnotnull as "notNull",
            (select quote_ident(cn.nspname) || '.' || quote_ident(col.collname)
               from pg_collation col join pg_namespace cn on cn.oid = col.collnamespace where col.oid = a.attcollation)
              as collation,
            coalesce((select col.collisdeterministic from pg_collation col where col.oid = a.attcollation), true)
              as deterministic,
            has_column_privilege(a.attrelid, a.attnum, 'SELECT')
              and has_schema_privilege(n.oid, 'USAGE') as readable
       from pg_namespace n
       join pg_class c on c.relnamespace = n.oid
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type declared on declared.oid = a.atttypid
       join pg_type base on base.oid = case declared.typtype when 'd' then declared.typbasetype else declared.oid end
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
      order by a.attnum`,
    [schema, table],
  )
  return rows
}

/** The columns of every index that is there for all rows, in its order, none of them an expression. */
export async function tableIndexes(pool: Pool, { schema, table }: TableName): Promise<readonly TableIndex[]> {
  const { rows } = await query<TableIndex>(
    pool,
    `select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
                    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                   where k.place <= i.indnkeyatts order by k.place) as columns,
            i.indisunique as unique
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_index i on i.indrelid = c.oid and i.indisvalid and i.indpred is null and i.indexprs is null
      where n.nspname = $1 and c.relname = $2 order by i.indexrelid`,
    [schema, table],
  )
  return rows
}

/** An index as a reader needs to know it. */
export interface TableIndex {
  readonly columns: readonly string[]
  readonly unique: boolean
}

/** What to say of a table that is missing. */
export async function missingTable(pool: Pool, { schema, table }: TableName): Promise<string> {
  const name = `${schema}.${table}`
  const { rows } = await query<{ name: string }>(
    pool,
    `select n.nspname || '.' || c.relname as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm', 'f') and n.nspname !~ '^(pg_|information_schema$)'
      order by 1 limit 10000`,
  )
  const nearest = nearestName(
    name,
    rows.map((row) => row.name),
  )
  const remedy = nearest === null ? 'create it, or name another' : `did you mean "${nearest}"?`
  return `table "${name}" is missing in ${nameOf(pool)}: ${remedy}`
}

/** SQL over the table `t`, with the values of its parameters. */
export interface Condition {
  readonly sql: string
  readonly values: readonly string[]
}

/** Rows in a range by the server's own statistics; null when the table was never analysed. */
export async function estimatedRows(pool: Pool, table: TableName, within: Condition): Promise<number | null> {
  const { rows } = await query<{ analysed: boolean }>(
    pool,
    `select bool_or(c.reltuples >= 0) as analysed
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [table.schema, table.table],
  )
  if (rows[0]?.analysed !== true) return null
  const plan = await query<{ 'QUERY PLAN': readonly { Plan: { 'Plan Rows': number } }[] }>(
    pool,
    `explain (format json) select from ${table.sql} as t where ${within.sql}`,
    within.values,
  )
  return plan.rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? null
}
