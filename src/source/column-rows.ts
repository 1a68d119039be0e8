import type { AnyRow } from '../define/row-schema.ts'
import type { PageRows } from './source.ts'

/** A column of a page: the values of all its rows, and what becomes of one when its row is made. */
export interface PageColumn {
  readonly name: string
  readonly values: readonly unknown[]
  readonly finish: ((value: unknown) => unknown) | null
}

/**
 * Rows of one shape made from columns as they are asked for, anew by each iteration: a row that was handled is garbage
 * before it could grow old, so a page costs the memory of its columns, which share the values of their dictionaries.
 */
export class ColumnRows implements PageRows {
  readonly length: number
  #columns: readonly PageColumn[] | null
  readonly #template: AnyRow
  readonly #position: { readonly name: string; readonly first: number } | null

  constructor(columns: readonly PageColumn[], length: number, position: { name: string; first: number } | null) {
    this.length = length
    this.#columns = columns
    this.#position = position
    this.#template = Object.fromEntries(columns.map(({ name }) => [name, null]))
    if (position !== null) this.#template[position.name] = 0
  }

  /** The columns are about to be filled with another page: from now on asking for a row is an error. */
  release(): void {
    this.#columns = null
  }

  *[Symbol.iterator](): Generator<AnyRow> {
    const position = this.#position
    for (let index = 0; index < this.length; index++) {
      const columns = this.#columns
      if (columns === null) throw new Error('rows of a page were asked for after the next page had been')
      // A copy of the template has its shape at once.
      const row = { ...this.#template }
      for (const { name, values, finish } of columns) {
        const value = values[index]
        row[name] = finish === null || value === null || value === undefined ? value : finish(value)
      }
      if (position !== null) row[position.name] = position.first + index
      yield row
    }
  }
}
