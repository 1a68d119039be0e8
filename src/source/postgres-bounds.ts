import { messageOf, TerminalError } from '../contract/errors.ts'
import { writePlace } from '../contract/key-place.ts'
import { boundText, cuttableBelow, cutUnits, type NumberedKind } from '../contract/range.ts'
import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { compared, keyTerm, nameOf, numberedTerm, type OrderTerm, placeOf } from './order-term.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { numbered, numberOf } from './postgres-numbers.ts'

/** Bounds as they are now; both the same when the table has no rows. */
interface Bounds {
  readonly from: string
  readonly to: string
}

/** From the column's first value to just after its last. */
export async function tableBounds(
  pool: Pool,
  table: TableName,
  kind: NumberedKind,
  column: TableColumn,
): Promise<Bounds> {
  const sql = nameOf(column)
  const ends = await firstAndLast(pool, table, [{ sql, selected: `(${numbered(kind, column, sql)})::text` }])
  if (ends === null) return { from: boundText(kind, 0n), to: boundText(kind, 0n) }
  const [first, last] = ends.map(([text = '']) => valueOf(kind, column, text)) as [bigint, bigint]
  return { from: boundText(kind, cuttableBelow(kind, first)), to: endAfter(kind, column, last) }
}

/** From the first key to just after the last, in the server's order. */
export async function keyBounds(pool: Pool, table: TableName, columns: readonly TableColumn[]): Promise<Bounds> {
  const terms = columns.map(keyTerm).map(({ sql }) => ({ sql, selected: `${sql}::text` }))
  const ends = await firstAndLast(pool, table, terms)
  if (ends === null) return { from: nowhere, to: nowhere }
  const [first, last] = ends
  return { from: writePlace({ values: first, after: false }), to: writePlace({ values: last, after: true }) }
}

const nowhere = writePlace({ values: [''], after: false })

/** The terms of the first and the last row that has them all. */
async function firstAndLast(
  pool: Pool,
  table: TableName,
  terms: readonly Pick<OrderTerm, 'sql' | 'selected'>[],
): Promise<readonly [string[], string[]] | null> {
  const end = (direction: 'asc' | 'desc'): string =>
    `(select array[${terms.map(({ selected }) => selected).join(', ')}] from ${table.sql} as t
       where ${terms.map(({ sql }) => `${sql} is not null`).join(' and ')}
       order by ${terms.map(({ sql }) => `${sql} ${direction}`).join(', ')} limit 1)`
  const { rows } = await query<{ first: string[] | null; last: string[] | null }>(
    pool,
    `select ${end('asc')} as first, ${end('desc')} as last`,
  )
  const { first = null, last = null } = rows[0] ?? {}
  return first === null || last === null ? null : [first, last]
}

/** Whether the column has a value from `lowest` on, or one at all. With an index, a matter of one page. */
export async function hasRowsAbove(
  pool: Pool,
  table: TableName,
  kind: NumberedKind,
  column: TableColumn,
  lowest: string | null,
): Promise<boolean> {
  const term = numberedTerm(kind, column)
  const values: string[] = []
  const place = lowest === null ? null : placeOf(kind, lowest, term)
  const condition =
    place === null
      ? `${term.sql} is not null`
      : compared([term], place.after ? '>' : '>=', place.values, (value) => `$${values.push(value)}`)
  const { rows } = await query<{ found: boolean }>(
    pool,
    `select exists (select from ${table.sql} as t where ${condition}) as found`,
    values,
  )
  return rows[0]?.found === true
}

function valueOf(kind: NumberedKind, column: TableColumn, text: string): bigint {
  try {
    return numberOf(kind, text)
  } catch (error) {
    throw withoutBounds(column, text.toLowerCase(), error)
  }
}

function endAfter(kind: NumberedKind, column: TableColumn, last: bigint): string {
  try {
    return boundText(kind, cuttableBelow(kind, last) + cutUnits[kind])
  } catch (error) {
    throw withoutBounds(column, `${boundText(kind, last)}, after which there is nothing (${messageOf(error)})`, error)
  }
}

const withoutBounds = (column: TableColumn, what: string, cause: unknown): TerminalError =>
  new TerminalError(
    'SOURCE_NOT_READABLE',
    `column "${column.name}" holds ${what}, so its values have no bounds: name params as bounds of partitionBy`,
    { cause },
  )
