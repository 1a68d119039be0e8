/** A table as the catalogue names it, and as SQL. */
export interface TableName {
  readonly schema: string
  readonly table: string
  /** Both parts quoted. */
  readonly sql: string
}

export const quoteIdentifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Reads `schema.table`, or `table` of schema public; names as they stand in the catalogue, capitals included. */
export function tableName(text: string): TableName {
  const dot = text.indexOf('.')
  const schema = dot < 0 ? 'public' : text.slice(0, dot)
  const table = text.slice(dot + 1)
  return { schema, table, sql: `${quoteIdentifier(schema)}.${quoteIdentifier(table)}` }
}
