import { boundValue, type NumberedKind } from '../contract/range.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { isInteger, isNumeric, isTime, isUuid, microsOf, selected } from './postgres-conversion.ts'

/** The kind of the values of a column that stand for numbers; null for others. */
export function numberedKindOf(column: TableColumn): NumberedKind | null {
  if (isTime(column)) return 'time'
  if (isInteger(column) || isNumeric(column)) return 'integer'
  return isUuid(column) ? 'uuid' : null
}

/** SQL of a value of the column from which `numberOf` makes its number; of a numeric its whole part, below which nothing is cut. */
export function numbered(kind: NumberedKind, column: TableColumn, value: string): string {
  return kind === 'integer' && isNumeric(column) ? `floor(${value})` : selected(column, value)
}

/** Throws for infinity and NaN, which are no numbers. */
export function numberOf(kind: NumberedKind, text: string): bigint {
  return kind === 'uuid' ? boundValue(kind, text) : microsOf(text)
}
