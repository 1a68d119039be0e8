import { insteadOf } from './nearest-name.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { fromText, isInteger, isTime, kindsFor } from './postgres-conversion.ts'
import { declaration, type RowField } from './row-field.ts'

export interface PartitionColumn {
  readonly name: string
  readonly kind: 'time' | 'key' | 'either'
}

/** Every way in which a table cannot be read as the definition says. `partitionColumn` is null where it is not known. */
export function tableProblems(
  columns: readonly TableColumn[],
  fields: readonly RowField[],
  key: string,
  partitionColumn: PartitionColumn | null,
): readonly string[] {
  const wanted = new Set([
    ...fields.map(({ name }) => name),
    key,
    ...(partitionColumn === null ? [] : [partitionColumn.name]),
  ])
  const byName = new Map(columns.map((column) => [column.name, column]))
  const missing = [...wanted].filter((name) => !byName.has(name))
  const hidden = [...wanted].filter((name) => byName.get(name)?.readable === false)
  const names = columns.map(({ name }) => name)
  return [
    ...missing.map((name) => `column "${name}" is missing: ${insteadOf(name, names)}`),
    ...(hidden.length === 0
      ? []
      : [`no privilege to read ${hidden.map((name) => `"${name}"`).join(', ')}: grant select to this user`]),
    ...fields.flatMap((field) => fieldProblem(byName.get(field.name), field)),
    ...keyProblem(byName.get(key)),
    ...(partitionColumn === null ? [] : partitionProblem(byName.get(partitionColumn.name), partitionColumn.kind)),
  ]
}

function fieldProblem(column: TableColumn | undefined, field: RowField): readonly string[] {
  if (column === undefined || fromText(column, field) !== null) return []
  const kinds = kindsFor(column).map((kind) => declaration[kind])
  const remedy =
    kinds.length === 0 ? 'which can be z.custom() or another schema of its own' : `which can be ${kinds.join(' or ')}`
  return [`column "${field.name}" is declared ${declaration[field.kind]}, but it is ${column.label}, ${remedy}`]
}

function keyProblem(column: TableColumn | undefined): readonly string[] {
  if (column === undefined) return []
  const lacks = [...(column.unique ? [] : ['a unique index on it alone']), ...(column.notNull ? [] : ['not null'])]
  if (lacks.length === 0) return []
  return [`key "${column.name}" has not ${lacks.join(' and ')}: add that, or name a column that has`]
}

const partitionTypes = {
  time: 'timestamptz, timestamp or date',
  key: 'int2, int4 or int8',
  either: 'int2, int4, int8, timestamptz, timestamp or date',
}

function partitionProblem(column: TableColumn | undefined, kind: PartitionColumn['kind']): readonly string[] {
  if (column === undefined) return []
  const [fitsTime, fitsKey] = [isTime(column), isInteger(column)]
  if (kind === 'time' ? fitsTime : kind === 'key' ? fitsKey : fitsTime || fitsKey) return []
  const remedy = fitsKey ? 'use partition.byKey' : fitsTime ? 'use partition.byTime' : 'name another column'
  return [`partition column "${column.name}" is ${column.label}, not ${partitionTypes[kind]}: ${remedy}`]
}
