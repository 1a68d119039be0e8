import { TerminalError } from '../contract/errors.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { ValueError } from '../files/value-error.ts'
import type { Absent } from './row-field.ts'
import type { PageRows } from './source.ts'

export interface TextColumn {
  readonly name: string
  readonly convert: (text: string) => unknown
  readonly absent: Absent
}

export type TextRow = readonly (string | null)[]

/** Rows of one shape made from the server's texts as they are asked for. */
export class TextRows implements PageRows {
  readonly length: number
  readonly #texts: readonly TextRow[]
  readonly #columns: readonly TextColumn[]
  readonly #template: AnyRow
  readonly #whereIs: (row: TextRow) => string

  /** `whereIs` names a row in messages. */
  constructor(columns: readonly TextColumn[], texts: readonly TextRow[], whereIs: (row: TextRow) => string) {
    this.length = texts.length
    this.#texts = texts
    this.#columns = columns
    this.#whereIs = whereIs
    this.#template = Object.fromEntries(columns.map(({ name }) => [name, null]))
  }

  /** Throws TerminalError (SOURCE_NOT_READABLE) naming column and row when a value does not fit. */
  *[Symbol.iterator](): Generator<AnyRow> {
    const columns = this.#columns
    for (const texts of this.#texts) {
      const row = { ...this.#template }
      let index = 0
      for (const column of columns) row[column.name] = this.#value(column, texts, index++)
      yield row
    }
  }

  #value({ name, convert, absent }: TextColumn, row: TextRow, index: number): unknown {
    const text = row[index] ?? null
    try {
      if (text !== null) return convert(text)
      if (absent === 'refused') throw new ValueError('is null')
      return absent.value
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `${this.#whereIs(row)}: column "${name}" ${error.message}; correct the row or the schema`,
        { cause: error },
      )
    }
  }
}
