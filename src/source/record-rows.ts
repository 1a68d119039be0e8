import type { AnyRow, RowSchema } from '../define/row-schema.ts'
import type { RecordSpan, Records } from '../files/record-reader.ts'
import { UnreadableRow } from './unreadable-row.ts'
import { validatedRow } from './validated-rows.ts'

export interface RecordRowsOptions {
  /** Of the file, for messages. */
  readonly path: string
  /** Field that receives the place of the record's first byte. */
  readonly position: string | null
  /** Where it has to see rows as a whole. */
  readonly schema: RowSchema<unknown> | null
}

/** What a record holds. Throws RecordError when that is no row. */
export type ReadRecord = (span: RecordSpan, index: number) => AnyRow

/** A record that is no row: what of it is known, and why. The message goes on after where it stands: "the record is …". */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly row: AnyRow | string
  constructor(row: AnyRow | string, message: string) {
    super(message)
    this.row = row
  }
}

/** The rows of some records of a file whose first byte has the position given, an `UnreadableRow` for each that is none. */
export async function recordRows(
  { path, position, schema }: RecordRowsOptions,
  { spans }: Records,
  firstPosition: number,
  read: ReadRecord,
): Promise<AnyRow[]> {
  const rows: AnyRow[] = []
  for (const [index, span] of spans.entries()) {
    const refused = (row: AnyRow | string, why: string): void =>
      void rows.push(new UnreadableRow(row, `${path}, byte ${span.position}: ${why}; correct the file or the schema`))
    try {
      const row = read(span, index)
      const valid = schema === null ? row : await validatedRow(schema, row)
      if (typeof valid === 'string') {
        refused(row, `the row ${valid}`)
        continue
      }
      if (position !== null) valid[position] = firstPosition + span.position
      rows.push(valid)
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      refused(error.row, error.message)
    }
  }
  return rows
}
