import type { ParquetColumn } from '../files/parquet-column.ts'
import { insteadOf } from './nearest-name.ts'
import { conversionOf, kindsFor } from './parquet-conversion.ts'
import { declaration, type RowField } from './row-field.ts'

/** Every way in which fields cannot be read from the columns of a file. */
export function contradictions(
  columns: readonly ParquetColumn[],
  fields: readonly RowField[],
  position: string | null,
): readonly string[] {
  const names = columns.map((column) => column.name)
  const problems = fields.flatMap((field) => {
    const column = columns.find((candidate) => candidate.name === field.name)
    return column === undefined
      ? [`column "${field.name}" is missing: ${insteadOf(field.name, names)}`]
      : contradiction(column, field)
  })
  const taken = position !== null && fields.some((field) => field.name === position)
  return taken ? [...problems, `position "${position}" is also a column: give the position another name`] : problems
}

function contradiction(column: ParquetColumn, field: RowField): readonly string[] {
  if (column.type.kind === 'nested' ? field.kind === 'any' : conversionOf(column, field) !== null) return []
  const kinds = kindsFor(column.type).map((kind) => declaration[kind])
  const remedy =
    column.type.kind === 'unsupported'
      ? 'which cannot be read: leave it out of the schema'
      : kinds.length > 0
        ? `which can be ${kinds.join(' or ')}`
        : 'which can be z.custom(), z.array() or another schema of its own'
  return [`column "${column.name}" is declared ${declaration[field.kind]}, but it is ${column.label}, ${remedy}`]
}
