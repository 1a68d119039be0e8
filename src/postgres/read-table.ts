import type { Column } from './column.ts'
import type { TableName } from './identifier.ts'
import { type Pool, query } from './pool.ts'

export interface Table {
  readonly oid: number
  /** `r` a table, `p` a partitioned one, others as in pg_class.relkind. */
  readonly kind: string
  readonly columns: readonly Column[]
}

/** A table as the catalogue describes it, columns in their order; null when there is none of that name. */
export async function readTable(pool: Pool, { schema, table }: TableName): Promise<Table | null> {
  const { rows } = await query<TableRow>(pool, sql, [schema, table])
  const [first] = rows
  if (first === undefined) return null
  return {
    oid: first.oid,
    kind: first.kind,
    columns: rows.flatMap((row) => (row.name === null ? [] : [columnOf(row, row.name)])),
  }
}

const sql = `
  select c.oid, c.relkind::text as kind, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
         a.atttypid as type_oid, a.atttypmod as typmod, a.attnotnull as not_null, a.atthasdef as has_default,
         a.attgenerated <> '' as generated, a.attidentity <> '' as identity,
         coalesce(l.collisdeterministic, true) as deterministic
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_collation l on l.oid = a.attcollation
   where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
   order by a.attnum`

interface TableRow {
  readonly oid: number
  readonly kind: string
  readonly name: string | null
  readonly type: string
  readonly type_oid: number
  readonly typmod: number
  readonly not_null: boolean
  readonly has_default: boolean
  readonly generated: boolean
  readonly identity: boolean
  readonly deterministic: boolean
}

const columnOf = (row: TableRow, name: string): Column => ({
  name,
  type: row.type,
  typeOid: row.type_oid,
  typmod: row.typmod,
  notNull: row.not_null,
  hasDefault: row.has_default,
  generated: row.generated,
  identity: row.identity,
  deterministic: row.deterministic,
})
