import type { NumberedKind } from '../contract/range.ts'
import type { AnyRow, RowSchema } from '../define/row-schema.ts'
import type { Column } from '../postgres/column.ts'
import { columnTypeNames, columnTypeOf } from '../postgres/column-encoder.ts'
import { type TableName, tableName } from '../postgres/identifier.ts'
import { nameOf, type Pool, query } from '../postgres/pool.ts'
import { readTable, type Table } from '../postgres/read-table.ts'
import { insteadOf } from '../source/nearest-name.ts'

/** The table a sink writes to, and which of its columns. */
export interface Target {
  readonly name: TableName
  /** In the order of the schema's fields: the order of the content hash. */
  readonly columns: readonly Column[]
}

/** What a kind of sink asks of its table. */
export interface Demands {
  readonly table: string
  readonly schema: RowSchema<AnyRow>
  readonly range: string | null
  /** Columns that must be those of a unique constraint; null: none. */
  readonly key: readonly string[] | null
  readonly privileges: readonly string[]
  readonly temporaryTables: boolean
}

/** Looks at everything; `problems` is empty when the sink can write. `trackingSchema` null: its tables do not matter. */
export async function inspectTarget(
  pool: Pool,
  trackingSchema: string | null,
  demands: Demands,
): Promise<{ target: Target; problems: readonly string[] }> {
  const name = tableName(demands.table)
  const shown = `${name.schema}.${name.table}`
  const found = await readTable(pool, name)
  const tracking = trackingSchema === null ? [] : await trackingProblems(pool, trackingSchema)
  if (found === null) {
    const others = await query<{ relname: string }>(pool, tablesSql, [name.schema])
    const names = others.rows.map(({ relname }) => `${name.schema}.${relname}`)
    const hint = names.length === 0 ? `schema ${name.schema} has no tables` : insteadOf(shown, names)
    return {
      target: { name, columns: [] },
      problems: [`table ${shown} does not exist in ${nameOf(pool)}; ${hint}`, ...tracking],
    }
  }
  const columns = columnsOf(demands.schema, found)
  const problems = [
    ...(found.kind === 'r' || found.kind === 'p' ? [] : [`${shown} is not a table that COPY can write to`]),
    ...columnProblems(shown, demands, found, columns),
    ...(await keyProblems(pool, shown, demands.key, found)),
    ...(await privilegeProblems(pool, shown, demands, found)),
    ...tracking,
  ]
  return { target: { name, columns }, problems }
}

/** Fields of a zod object in their order; null for another schema, which cannot be read ahead. */
export function fieldsOf(schema: RowSchema<AnyRow>): readonly string[] | null {
  const { vendor } = schema['~standard']
  if (vendor !== 'zod' || !('shape' in schema) || typeof schema.shape !== 'object' || schema.shape === null) return null
  return Object.keys(schema.shape)
}

function columnsOf(schema: RowSchema<AnyRow>, { columns }: Table): readonly Column[] {
  const fields = fieldsOf(schema)
  if (fields === null) return columns.filter(({ generated }) => !generated)
  return fields.flatMap((field) => columns.find(({ name }) => name === field) ?? [])
}

function columnProblems(shown: string, demands: Demands, { columns }: Table, written: readonly Column[]): string[] {
  const names = columns.map(({ name }) => name)
  const declared = fieldsOf(demands.schema) ?? written.map(({ name }) => name)
  const problems = declared
    .filter((field) => !names.includes(field))
    .map((field) => `${shown} has no column "${field}"; ${insteadOf(field, names)}`)
  for (const column of written) {
    const what = `column "${column.name}" of ${shown}`
    if (column.generated)
      problems.push(`${what} is computed by the server and cannot be written: leave it out of the schema`)
    else if (!column.deterministic)
      problems.push(`${what} has a collation under which different texts are equal: their hash is not the server's`)
    else if (columnTypeOf(column) === undefined)
      problems.push(`${what} is ${column.type}, which cannot be written; ${columnTypeNames} can`)
  }
  for (const column of columns)
    if (
      column.notNull &&
      !column.hasDefault &&
      !column.identity &&
      !column.generated &&
      !declared.includes(column.name)
    )
      problems.push(`column "${column.name}" of ${shown} is not null, has no default, and is not in the schema`)
  const { range } = demands
  if (range !== null && !declared.includes(range))
    problems.push(`range "${range}" is not in the schema; ${insteadOf(range, declared)}`)
  const ranged = columns.find(({ name }) => name === range)
  if (ranged !== undefined && rangeKindOf(ranged) === undefined)
    problems.push(
      `range column "${ranged.name}" of ${shown} is ${ranged.type}; an integer, numeric, uuid, date or timestamp is right`,
    )
  for (const field of demands.key ?? [])
    if (!declared.includes(field)) problems.push(`key "${field}" is not in the schema; ${insteadOf(field, declared)}`)
  return problems
}

/** What a range over the column counts in. */
export function rangeKindOf({ typeOid }: Column): NumberedKind | undefined {
  switch (columnTypeOf({ typeOid, deterministic: true })?.name) {
    case 'int2':
    case 'int4':
    case 'int8':
    case 'numeric':
      return 'integer'
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return 'time'
    case 'uuid':
      return 'uuid'
    default:
      return undefined
  }
}

async function keyProblems(
  pool: Pool,
  shown: string,
  key: readonly string[] | null,
  { oid }: Table,
): Promise<string[]> {
  if (key === null) return []
  if (key.length === 0) return ['key names no column']
  const { rows } = await query<{ columns: string[] }>(pool, uniqueSql, [oid])
  const wanted = [...key].sort().join()
  if (rows.some(({ columns }) => [...columns].sort().join() === wanted)) return []
  const unique = rows.map(({ columns }) => `(${columns.join(', ')})`).join(', ')
  return [
    `${shown} has no unique constraint on (${key.join(', ')}); ${unique === '' ? 'there is none at all' : `there is one on ${unique}`}`,
  ]
}

async function privilegeProblems(pool: Pool, shown: string, demands: Demands, { oid }: Table): Promise<string[]> {
  const { rows } = await query<{ role: string; missing: string[]; temporary: boolean }>(pool, privilegeSql, [
    oid,
    demands.privileges,
  ])
  const [row] = rows
  if (row === undefined) return []
  const problems = row.missing.map((privilege) => `role ${row.role} may not ${privilege} on ${shown}: grant it`)
  if (demands.temporaryTables && !row.temporary)
    problems.push(`role ${row.role} may not make temporary tables: grant TEMPORARY on the database`)
  return problems
}

async function trackingProblems(pool: Pool, schema: string): Promise<string[]> {
  const { rows } = await query<{ found: boolean }>(
    pool,
    "select to_regclass(quote_ident($1) || '.checkpoint') is not null as found",
    [schema],
  )
  return rows[0]?.found === true ? [] : [`schema "${schema}" has no checkpoint table: its migrations have not run`]
}

const tablesSql = `
  select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1 and c.relkind in ('r', 'p') order by 1 limit 200`

const uniqueSql = `
  select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as k(attnum, place)
                 join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                where k.place <= i.indnkeyatts) as columns
    from pg_index i
   where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indimmediate
     and i.indpred is null and i.indexprs is null`

const privilegeSql = `
  select current_user::text as role, has_database_privilege(current_database(), 'TEMPORARY') as temporary,
         array(select p from unnest($2::text[]) as p where not has_table_privilege($1::oid, p)) as missing`
