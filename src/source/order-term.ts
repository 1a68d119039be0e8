import type { KeyPlace } from '../contract/key-place.ts'
import { boundValue, microsToInstant, type NumberedKind } from '../contract/range.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { isNumeric, isTime, microsOf, selected } from './postgres-conversion.ts'

/** What rows are ordered and compared by: a column of the table `t`, or an expression over one. */
export interface OrderTerm {
  /** Of its column, for messages. */
  readonly name: string
  /** SQL that is compared and ordered by. */
  readonly sql: string
  /** SQL of its value as it is selected. */
  readonly selected: string
  /** The type that a text of it is cast to; null: the server takes that of the column. */
  readonly type: string | null
  /** What was selected, as it stands in a cursor. */
  readonly text: (selected: string) => string
}

const asItIs = (text: string): string => text

/** With the table's name, for ORDER BY takes a bare one for a column of the result. */
export const nameOf = ({ name }: TableColumn): string => `t.${quoteIdentifier(name)}`

/** A column in the order of its kind. */
export function numberedTerm(kind: NumberedKind, column: TableColumn): OrderTerm {
  const [name, sql] = [column.name, nameOf(column)]
  switch (kind) {
    case 'integer':
      return { name, sql, selected: sql, type: isNumeric(column) ? 'numeric' : 'int8', text: asItIs }
    case 'uuid':
      return { name, sql, selected: sql, type: 'uuid', text: asItIs }
    case 'time': {
      // A date is compared as the timestamp of its midnight, for a bound may lie within a day.
      const type = column.type === 'timestamptz' ? 'timestamptz' : 'timestamp'
      return { name, sql, selected: selected(column, sql), type, text: (micros) => microsToInstant(microsOf(micros)) }
    }
  }
}

/** A column in the order that only the server knows. */
export function keyTerm(column: TableColumn): OrderTerm {
  const [name, sql] = [column.name, nameOf(column)]
  // A key is compared as the server writes it, which for an instant is not how it is selected.
  return { name, sql, selected: isTime(column) ? `${sql}::text` : sql, type: null, text: asItIs }
}

/** The hash of a column's text, a whole number from -2^63 to 2^63 - 1. */
export function hashTerm(column: TableColumn): OrderTerm {
  const sql = `hashtextextended(${nameOf(column)}::text, 0)`
  return { name: column.name, sql, selected: sql, type: 'int8', text: asItIs }
}

type Operator = '<' | '<=' | '>' | '>='

/** The condition that the terms, as a row, stand in this relation to the values, which become parameters. */
export function compared(
  terms: readonly OrderTerm[],
  operator: Operator,
  values: readonly string[],
  parameter: (value: string) => string,
): string {
  const placed = terms.map(({ type }, at) => `${parameter(values[at] ?? '')}${type === null ? '' : `::${type}`}`)
  const row = (of: readonly string[]): string => (of.length === 1 ? of.join() : `(${of.join(', ')})`)
  return `${row(terms.map(({ sql }) => sql))} ${operator} ${row(placed)}`
}

/** The conditions that the terms lie in a range. */
export function withinPlaces(
  terms: readonly OrderTerm[],
  { from, to }: { readonly from: KeyPlace; readonly to: KeyPlace },
  parameter: (value: string) => string,
): string[] {
  return [
    compared(terms, to.after ? '<=' : '<', to.values, parameter),
    compared(terms, from.after ? '>' : '>=', from.values, parameter),
  ]
}

const [leastInt8, mostInt8] = [-(2n ** 63n), 2n ** 63n - 1n]

/** A bound of a numbered kind as a place, which no int8 column has to be compared with a number beyond its own. */
export function placeOf(kind: NumberedKind, bound: string, { type }: OrderTerm): KeyPlace {
  if (kind === 'integer' && type === 'int8') {
    const value = boundValue(kind, bound)
    if (value > mostInt8) return { values: [mostInt8.toString()], after: true }
    if (value < leastInt8) return { values: [leastInt8.toString()], after: false }
  }
  return { values: [bound], after: false }
}
