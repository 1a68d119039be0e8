import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Cursor } from '../contract/range.ts'
import { codeOf } from '../postgres/classify.ts'
import { quoteIdentifier, type TableName } from '../postgres/identifier.ts'
import { type Pool, withClient } from '../postgres/pool.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { isTime, selected } from './postgres-conversion.ts'
import { readCursor } from './postgres-cursor.ts'
import type { TextRow } from './text-rows.ts'

/** What is read of a table, and in which order. */
export interface TableOrder {
  readonly table: TableName
  /** Columns of the rows, in the order of their fields. */
  readonly columns: readonly TableColumn[]
  readonly partitionColumn: TableColumn
  readonly key: TableColumn
}

/** What a page selects, and where in a row its partition value and its key stand. */
export interface Selection {
  readonly list: readonly string[]
  readonly valueAt: number
  readonly keyAt: number
}

export function selectionOf({ columns, partitionColumn, key }: TableOrder): Selection {
  const list = columns.map((column) => selected(column, nameOf(column)))
  const placeOf = (expression: string): number => {
    const at = list.indexOf(expression)
    return at >= 0 ? at : list.push(expression) - 1
  }
  const valueAt = placeOf(selected(partitionColumn, nameOf(partitionColumn)))
  // The key is compared as the server writes it, which for an instant is not how it is selected.
  return { list, valueAt, keyAt: placeOf(isTime(key) ? `${nameOf(key)}::text` : nameOf(key)) }
}

/** With the table's name, for ORDER BY takes a bare one for a column of the result. */
const nameOf = ({ name }: TableColumn): string => `t.${quoteIdentifier(name)}`

export interface Statement {
  readonly text: string
  readonly values: readonly (string | readonly string[])[]
}

/**
 * The next `limit` rows of [from, to) after the cursor. By key and not by offset, so that no page costs more than
 * another; the lower bound is repeated for indexes on the column alone.
 */
export function pageStatement(
  order: TableOrder,
  from: string,
  to: string,
  after: Cursor | null,
  limit: number,
): Statement {
  const { table, partitionColumn, key } = order
  const place = after === null ? null : readCursor(after)
  const [column, keyColumn] = [nameOf(partitionColumn), nameOf(key)]
  const bound = boundType(partitionColumn)
  const conditions = [`${column} < $1::${bound}`]
  const values = [to]
  if (place === null || place.key !== null)
    conditions.push(`${column} >= $${values.push(place?.value ?? from)}::${bound}`)
  if (place !== null)
    conditions.push(
      place.key === null
        ? `${column} > $${values.push(place.value)}::${bound}`
        : `(${column}, ${keyColumn}) > ($2::${bound}, $${values.push(place.key)})`,
    )
  const ordered = partitionColumn.name === key.name ? column : `${column}, ${keyColumn}`
  const text = `select ${selectionOf(order).list.join(', ')} from ${table.sql} as t where ${conditions.join(' and ')} order by ${ordered} limit ${limit}`
  return { text, values }
}

/** A date is compared as the timestamp of its midnight, for a bound may lie within a day. */
export function boundType(column: TableColumn): string {
  if (!isTime(column)) return 'int8'
  return column.type === 'timestamptz' ? 'timestamptz' : 'timestamp'
}

/** The rows of a statement as the server's texts. An abort ends it by closing its connection. */
export async function fetchTexts(
  pool: Pool,
  { text, values }: Statement,
  signal: AbortSignal,
): Promise<readonly TextRow[]> {
  signal.throwIfAborted()
  try {
    return await withClient(pool, async (client) => {
      const rows = client.query<(string | null)[]>({
        text,
        values: [...values],
        rowMode: 'array',
        types: { getTypeParser: () => (value: string) => value },
      })
      return (await orGivenUp(rows, signal)).rows
    })
  } catch (error) {
    signal.throwIfAborted()
    // The table was changed under the run (42), or has a value that cannot be computed with (22).
    if (/^(42|22)/.test(codeOf(error) ?? ''))
      throw new TerminalError('SOURCE_NOT_READABLE', `a page cannot be read: ${messageOf(error)} (${text})`, {
        cause: error,
      })
    throw error
  }
}

/** `result`, unless the signal is aborted before: then its late outcome is nobody's. */
export async function orGivenUp<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const aborted = Promise.withResolvers<never>()
  const giveUp = (): void => aborted.reject(new GivenUp())
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([result, aborted.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** The code tells the pool that the statement may still be running: the connection is closed. */
class GivenUp extends Error {
  readonly code = 'ECONNABORTED'
  constructor() {
    super('reading was aborted')
  }
}
