import type { AnyRow, RowSchema } from '../define/row-schema.ts'
import type { RecordSpan } from '../files/record-reader.ts'
import { NoRow } from './no-row.ts'
import type { PageRows } from './source.ts'
import { validatedRow } from './validated-rows.ts'

/** A record that is no row: what of it is known, and why. The message goes on after where it stands: "the record is …". */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly row: AnyRow | string
  constructor(row: AnyRow | string, message: string) {
    super(message)
    this.row = row
  }
}

export interface RecordRowsOptions {
  /** Of the file, for messages. */
  readonly path: string
  /** Of the file's first byte, counted through all files. */
  readonly firstPosition: number
  /** Field that receives the place of the record's first byte. */
  readonly position: string | null
  /** What a record holds. Throws RecordError when that is no row. */
  readonly read: (span: RecordSpan) => AnyRow
}

/**
 * Rows made of records as they are asked for, anew by each iteration: a row that was handled is garbage before it could
 * grow old, and a page costs the memory of its bytes. A `NoRow` stands for each record that is no row.
 */
export class RecordRows implements PageRows {
  readonly #spans: readonly RecordSpan[]
  readonly #options: RecordRowsOptions

  constructor(spans: readonly RecordSpan[], options: RecordRowsOptions) {
    this.#spans = spans
    this.#options = options
  }

  get length(): number {
    return this.#spans.length
  }

  *[Symbol.iterator](): Generator<AnyRow> {
    const { position, read, firstPosition } = this.#options
    for (const span of this.#spans) {
      let row: AnyRow
      try {
        row = read(span)
        if (position !== null) row[position] = firstPosition + span.position
      } catch (error) {
        if (!(error instanceof RecordError)) throw error
        row = this.#unreadable(span, error.row, error.message)
      }
      yield row
    }
  }

  /** The rows as a schema gives them back that has to see them as a whole. */
  async validated(schema: RowSchema<unknown>): Promise<AnyRow[]> {
    const { position, firstPosition } = this.#options
    const rows: AnyRow[] = []
    for (const row of new RecordRows(this.#spans, { ...this.#options, position: null })) {
      const span = this.#spans[rows.length]
      if (span === undefined) break
      const valid = row instanceof NoRow ? row : await validatedRow(schema, row)
      if (typeof valid === 'string') rows.push(this.#unreadable(span, row, `the row ${valid}`))
      else if (position === null || valid instanceof NoRow) rows.push(valid)
      else rows.push({ ...valid, [position]: firstPosition + span.position })
    }
    return rows
  }

  #unreadable({ position }: RecordSpan, row: AnyRow | string, why: string): NoRow {
    return new NoRow(row, `${this.#options.path}, byte ${position}: ${why}; correct the file or the schema`)
  }
}

/** Rows of several parts, one after another. */
export class JoinedRows implements PageRows {
  readonly #parts: readonly PageRows[]
  readonly length: number

  constructor(parts: readonly PageRows[]) {
    this.#parts = parts
    this.length = parts.reduce((sum, { length }) => sum + length, 0)
  }

  *[Symbol.iterator](): Generator<AnyRow> {
    for (const part of this.#parts) yield* part
  }
}
