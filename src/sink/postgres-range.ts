import { TerminalError } from '../contract/errors.ts'
import type { KeyKind, KeyRange } from '../contract/range.ts'
import { columnTypeOf } from '../postgres/column-encoder.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { rangeKindOf, type Target } from './postgres-target.ts'

/**
 * SQL condition that holds for the rows of a range, its bounds as the SQL of two texts. The column stays bare, so that
 * an index on it serves; times without zone, and dates, are taken as UTC.
 */
export function withinRange(
  { name, columns }: Target,
  rangeColumn: string,
  kind: KeyKind,
  [from, to]: readonly [string, string] = ['$1', '$2'],
): string {
  const column = columns.find((candidate) => candidate.name === rangeColumn)
  if (column === undefined || rangeKindOf(column) !== kind)
    throw new TerminalError(
      'SINK_NOT_WRITABLE',
      `the source is cut by ${kind === 'time' ? 'times' : 'whole numbers'}, and column "${rangeColumn}" of ` +
        `${name.schema}.${name.table} is ${column?.type ?? 'missing'}: name the column that holds the source's key`,
    )
  const type = columnTypeOf(column)?.name
  const bound = (text: string): string => {
    if (kind === 'integer') return `${text}::${type === 'numeric' ? type : 'int8'}`
    const instant = `${text}::timestamptz`
    return type === 'timestamptz' ? instant : `(${instant} at time zone 'UTC')`
  }
  const sql = quoteIdentifier(rangeColumn)
  return `${sql} >= ${bound(from)} and ${sql} < ${bound(to)}`
}

export const rangeValues = ({ from, to }: KeyRange): [string, string] => [from, to]
