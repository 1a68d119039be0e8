import { TerminalError } from '../contract/errors.ts'
import type { KeyKind, KeyRange } from '../contract/range.ts'
import type { Column } from '../postgres/column.ts'
import { columnTypeOf } from '../postgres/column-encoder.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { GuardedRange } from '../postgres/range-guard.ts'
import { rangeKindOf, type Target } from './postgres-target.ts'

const shownKinds: Readonly<Record<KeyKind, string>> = {
  integer: 'whole numbers',
  time: 'times',
  uuid: 'UUIDs',
  key: 'keys in an order of its own',
}

/**
 * A range that a column of the target can hold by itself. Throws TerminalError (SINK_NOT_WRITABLE) where the column has
 * not the order of the source's key: a range of it would hold rows of other partitions.
 */
export function ownedRange(target: Target, rangeColumn: string, range: KeyRange): GuardedRange {
  const { kind } = range
  const column = rangeColumnOf(target, rangeColumn, kind)
  if (kind === 'key') throw notOwned(target, rangeColumn, column, kind)
  return { kind, from: range.from, to: range.to }
}

/**
 * SQL condition that holds for the rows of a range, its bounds as the SQL of two texts. The column stays bare, so that
 * an index on it serves; times without zone, and dates, are taken as UTC. Throws as `ownedRange` does.
 */
export function withinRange(
  target: Target,
  rangeColumn: string,
  kind: KeyKind,
  [from, to]: readonly [string, string] = ['$1', '$2'],
): string {
  const column = rangeColumnOf(target, rangeColumn, kind)
  const type = columnTypeOf(column)?.name
  const sql = quoteIdentifier(rangeColumn)
  if (kind === 'time') {
    const bound = (text: string): string =>
      type === 'timestamptz' ? `${text}::timestamptz` : `(${text}::timestamptz at time zone 'UTC')`
    return `${sql} >= ${bound(from)} and ${sql} < ${bound(to)}`
  }
  if (kind === 'uuid' || type === 'numeric') return `${sql} >= ${from}::${type} and ${sql} < ${to}::${type}`
  // One less, for a range may end after the last number that the type has.
  return `${sql} >= ${from}::int8 and ${sql} <= (${to}::numeric - 1)::int8`
}

/** The type in which values of the range column are compared. Throws as `ownedRange` does. */
export function rangeColumnType(target: Target, rangeColumn: string, kind: KeyKind): string {
  const type = columnTypeOf(rangeColumnOf(target, rangeColumn, kind))?.name ?? 'text'
  if (type === 'int2' || type === 'int4') return 'int8'
  return type === 'date' ? 'timestamp' : type
}

function rangeColumnOf(target: Target, rangeColumn: string, kind: KeyKind): Column {
  const column = target.columns.find((candidate) => candidate.name === rangeColumn)
  if (column === undefined || rangeKindOf(column) !== kind) throw notOwned(target, rangeColumn, column, kind)
  return column
}

function notOwned({ name }: Target, rangeColumn: string, column: Column | undefined, kind: KeyKind): TerminalError {
  const remedy =
    kind === 'key'
      ? 'use postgres.upsert without a range, for this database may order them otherwise'
      : "name the column that holds the source's key"
  return new TerminalError(
    'SINK_NOT_WRITABLE',
    `the source is cut by ${shownKinds[kind]}, and column "${rangeColumn}" of ` +
      `${name.schema}.${name.table} is ${column?.type ?? 'missing'}: ${remedy}`,
  )
}

export const rangeValues = ({ from, to }: KeyRange): [string, string] => [from, to]
