import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Cursor, KeyRange } from '../contract/range.ts'
import { codeOf } from '../postgres/classify.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, withClient } from '../postgres/pool.ts'
import { compared, nameOf, type OrderTerm, withinPlaces } from './order-term.ts'
import { placesOf } from './partition-order.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { selected } from './postgres-conversion.ts'
import { readCursor } from './postgres-cursor.ts'
import type { TextRow } from './text-rows.ts'

/** What is read of a table, and in which order. */
export interface TableOrder {
  readonly table: TableName
  /** Columns of the rows, in the order of their fields. */
  readonly columns: readonly TableColumn[]
  /** What a range bounds. */
  readonly partition: readonly OrderTerm[]
  /** That, and what of the key is not among it: no two rows are alike in all of them. */
  readonly terms: readonly OrderTerm[]
  /** Only rows with one of these values of the first partition column; null: all. */
  readonly only: { readonly values: readonly string[]; readonly type: string } | null
}

/** What a page selects, and where in a row the values of the terms stand. */
export interface Selection {
  readonly list: readonly string[]
  readonly termsAt: readonly number[]
}

export function selectionOf({ columns, terms }: TableOrder): Selection {
  const list = columns.map((column) => selected(column, nameOf(column)))
  const placeOf = (expression: string): number => {
    const at = list.indexOf(expression)
    return at >= 0 ? at : list.push(expression) - 1
  }
  return { list, termsAt: terms.map((term) => placeOf(term.selected)) }
}

export interface Statement {
  readonly text: string
  readonly values: readonly (string | readonly string[])[]
}

/**
 * The next `limit` rows of the range after the cursor. By key and not by offset, so that no page costs more than
 * another; the lower bound is repeated for indexes on the partition columns alone.
 */
export function pageStatement(order: TableOrder, range: KeyRange, after: Cursor | null, limit: number): Statement {
  const { table, partition, terms, only } = order
  const values: (string | readonly string[])[] = []
  const parameter = (value: string | readonly string[]): string => `$${values.push(value)}`
  const { from, to } = placesOf(range, partition)
  const reached = after === null ? null : readCursor(after)
  const conditions =
    reached === null
      ? withinPlaces(partition, { from, to }, parameter)
      : [
          compared(partition, to.after ? '<=' : '<', to.values, parameter),
          ...(terms.length === partition.length ? [] : [compared(partition, '>=', reached, parameter)]),
          compared(terms, '>', reached, parameter),
        ]
  if (only !== null) conditions.push(`${partition[0]?.sql} = any (${parameter(only.values)}::${only.type}[])`)
  const ordered = terms.map(({ sql }) => sql).join(', ')
  const text = `select ${selectionOf(order).list.join(', ')} from ${table.sql} as t where ${conditions.join(' and ')} order by ${ordered} limit ${limit}`
  return { text, values }
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
