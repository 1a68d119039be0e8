import type { AnyRow } from '../define/row-schema.ts'
import { ValueError } from '../files/value-error.ts'
import { fromField } from './csv-value.ts'
import { insteadOf } from './nearest-name.ts'
import { RecordError } from './record-rows.ts'
import { anyField, type RowReading } from './row-field.ts'

type Texts = readonly (string | null)[]

/** A column that becomes a field of the row. */
export interface CsvColumn {
  readonly name: string
  /** From the texts of a record. Throws RecordError. */
  readonly value: (texts: Texts) => unknown
}

/** The columns that are read of those that a file has, in the order of the schema. */
export function csvColumns(names: readonly string[], { fields }: RowReading): readonly CsvColumn[] {
  return (fields ?? names.map(anyField)).map((field): CsvColumn => {
    const { name } = field
    const at = names.indexOf(name)
    const convert = fromField(field)
    return {
      name,
      value: (texts) => {
        try {
          return convert(texts[at] ?? null)
        } catch (error) {
          if (!(error instanceof ValueError)) throw error
          const row: AnyRow = Object.fromEntries(names.map((of, index) => [of, texts[index]]))
          throw new RecordError(row, `column "${name}" ${error.message}`)
        }
      },
    }
  })
}

/** Every way in which columns cannot be read from a file that has columns of these names. */
export function headerProblems(
  names: readonly string[],
  columns: readonly CsvColumn[],
  position: string | null,
): readonly string[] {
  const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at))
  const missing = columns.filter(({ name }) => !names.includes(name))
  const taken = position !== null && columns.some(({ name }) => name === position)
  return [
    ...[...twice].map((name) => `the header names column "${name}" twice: give one of them another name`),
    ...missing.map(({ name }) => `column "${name}" is missing: ${insteadOf(name, names)}`),
    ...(taken ? [`position "${position}" is also a column: give the position another name`] : []),
  ]
}
