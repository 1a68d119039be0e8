import { arrayParameter, type ElementType } from '../postgres/array-parameter.ts'

/** What becomes of a column when its row is there already. */
export type OnConflict = 'replace' | 'add' | 'least' | 'greatest'

export interface TableColumn<Row> {
  readonly name: string
  readonly type: ElementType
  of(this: void, row: Row): unknown
  /** Absent: part of the key. */
  readonly onConflict?: OnConflict
}

/** A table of the ledger: how a record becomes its row. */
export interface Table<Row> {
  readonly name: string
  readonly columns: readonly TableColumn<Row>[]
}

export const key = <Row>(name: string, type: ElementType, of: (row: Row) => unknown): TableColumn<Row> => ({
  ...{ name, type, of },
})

export const column = <Row>(
  name: string,
  type: ElementType,
  of: (row: Row) => unknown,
  onConflict: OnConflict = 'replace',
): TableColumn<Row> => ({ name, type, of, onConflict })

export const namesOf = ({ columns }: Table<never>): string => columns.map(({ name }) => quoted(name)).join(', ')

/** The columns, for reading them: times as text, for a Date has but milliseconds. */
export const selected = ({ columns }: Table<never>): string =>
  columns
    .map(({ name, type }) => `${quoted(name)}${type === 'timestamptz' ? `::text as ${quoted(name)}` : ''}`)
    .join(', ')

/** Rows out of as many parameters as there are columns, the first of which is `$first`. */
export const rowsFrom = ({ columns }: Table<never>, first: number): string =>
  `unnest(${columns.map(({ type }, at) => `$${first + at}::${type}[]`).join(', ')})`

/** The parameters of `rowsFrom`. Throws RowError for a value that its column cannot hold. */
export const parametersOf = <Row>({ columns }: Table<Row>, rows: readonly Row[]): Buffer[] =>
  columns.map(({ name, type, of }) => arrayParameter(name, type, rows.map(of)))

/** Puts rows in, or changes those that are there by the rule of each column. */
export function upsert(schema: string, table: Table<never>, first: number): string {
  const keys = table.columns.filter(({ onConflict }) => onConflict === undefined).map(({ name }) => quoted(name))
  const changes = table.columns.flatMap(({ name, onConflict }) =>
    onConflict === undefined ? [] : [`${quoted(name)} = ${changed[onConflict](quoted(name))}`],
  )
  return `insert into ${schema}.${table.name} as t (${namesOf(table)}) select * from ${rowsFrom(table, first)}
    on conflict (${keys.join(', ')}) do update set ${changes.join(', ')}`
}

/** A name for a statement that is planned once a connection; the server tells 63 characters apart. */
export const statementName = (what: string, schema: string): string => `ledger: ${what} ${schema}`.slice(0, 63)

const changed: Record<OnConflict, (name: string) => string> = {
  replace: (name) => `excluded.${name}`,
  add: (name) => `t.${name} + excluded.${name}`,
  least: (name) => `least(t.${name}, excluded.${name})`,
  greatest: (name) => `greatest(t.${name}, excluded.${name})`,
}

/** Some are words of the language. */
const quoted = (name: string): string => `"${name}"`
