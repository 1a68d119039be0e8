import { TerminalError } from '../contract/errors.ts'
import { microsToInstant } from '../contract/range.ts'
import { quoteIdentifier, type TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { isTime, microsOf, selected } from './postgres-conversion.ts'
import { boundType } from './postgres-pages.ts'

/** From the column's first value to just after its last, as they are now; both the same when the table has no rows. */
export async function tableBounds(
  pool: Pool,
  table: TableName,
  column: TableColumn,
): Promise<{ from: string; to: string }> {
  const name = quoteIdentifier(column.name)
  const { rows } = await query<{ first: string | null; last: string | null }>(
    pool,
    `select (${selected(column, 'first')})::text as first, (${selected(column, 'last')})::text as last
       from (select min(${name}) as first, max(${name}) as last from ${table.sql}) as bounds`,
  )
  const { first = null, last = null } = rows[0] ?? {}
  const [from, to] = first === null || last === null ? [0n, 0n] : [valueOf(column, first), valueOf(column, last) + 1n]
  return isTime(column)
    ? { from: microsToInstant(from), to: microsToInstant(to) }
    : { from: from.toString(), to: to.toString() }
}

const largestKey = 2n ** 63n - 1n

/** Whether the column has a value from `lowest` on, or one at all. With an index, a matter of one page. */
export async function hasRowsAbove(
  pool: Pool,
  table: TableName,
  column: TableColumn,
  lowest: string | null,
): Promise<boolean> {
  if (lowest !== null && !isTime(column) && BigInt(lowest) > largestKey) return false
  const name = quoteIdentifier(column.name)
  const { rows } = await query<{ found: boolean }>(
    pool,
    `select exists (select from ${table.sql}
       where ${lowest === null ? `${name} is not null` : `${name} >= $1::${boundType(column)}`}) as found`,
    lowest === null ? [] : [lowest],
  )
  return rows[0]?.found === true
}

function valueOf(column: TableColumn, text: string): bigint {
  try {
    return microsOf(text)
  } catch (error) {
    throw new TerminalError(
      'SOURCE_NOT_READABLE',
      `column "${column.name}" holds ${text.toLowerCase()}, so its values have no bounds: name params as bounds of partitionBy`,
      { cause: error },
    )
  }
}
