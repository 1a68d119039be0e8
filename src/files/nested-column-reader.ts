import type { ColumnReader } from './column-reader.ts'
import { ValueError } from './value-error.ts'

/** A list, map or struct: decoded for the whole row group when its first row is read, for its rows vary in length. */
export class NestedColumnReader implements ColumnReader {
  readonly #decode: () => Promise<readonly unknown[]>
  readonly #convert: (value: unknown) => unknown
  #values: readonly unknown[] | null = null
  #at = 0

  /** `decode` gives every row's value, null where there is none; `convert` throws ValueError for one that does not fit. */
  constructor(decode: () => Promise<readonly unknown[]>, convert: (value: unknown) => unknown) {
    this.#decode = decode
    this.#convert = convert
  }

  async read(out: unknown[], at: number, rows: number): Promise<void> {
    this.#values ??= await this.#decode()
    let i = 0
    try {
      for (; i < rows; i++) out[at + i] = this.#convert(this.#values[this.#at++])
    } catch (error) {
      if (error instanceof ValueError) error.index = i
      throw error
    }
  }

  async skip(rows: number): Promise<void> {
    this.#at += rows
  }
}
