import { setImmediate as nextTurn } from 'node:timers/promises'
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { ColumnReader } from '../files/column-reader.ts'
import type { ParquetFile } from '../files/parquet-file.ts'
import { ValueError } from '../files/value-error.ts'
import type { PageColumn } from './column-rows.ts'
import { conversionOf, nestedConversionOf } from './parquet-conversion.ts'
import { contradictions } from './parquet-schema.ts'
import type { RowField } from './row-field.ts'

/** Rows decoded in one go; and for how long rows are decoded before heartbeats and sockets get their turn. */
const sliceRows = 4096
const turnMs = 15

interface Column {
  readonly name: string
  readonly finish: PageColumn['finish']
  readonly open: (rowGroup: number) => ColumnReader
}

/** Rows of one file, read forwards from a row on, as columns. */
export class ParquetRows {
  readonly #file: ParquetFile
  readonly #columns: readonly Column[]
  /** Filled anew by each page: arrays of this size would otherwise be garbage by the megabyte. */
  readonly #values: readonly unknown[][]
  #readers: ColumnReader[] = []
  #rowGroup = -1
  /** Rows of the open row group still to be read. */
  #left = 0
  /** The next row, counted from the file's first. */
  #row: number

  /** Throws TerminalError (SOURCE_NOT_READABLE) when a field contradicts its column. */
  constructor(file: ParquetFile, fields: readonly RowField[], firstRow: number) {
    const problems = contradictions(file.columns, fields, null)
    if (problems.length > 0)
      throw new TerminalError('SOURCE_NOT_READABLE', `${file.path}: ${problems.join('; ')}`, { reasons: problems })
    this.#file = file
    this.#columns = fields.map((field) => columnOf(file, field))
    this.#values = fields.map(() => [])
    this.#row = firstRow
  }

  /** The next `count` rows, in arrays that the next call fills again. Throws TerminalError (SOURCE_NOT_READABLE) naming column and row. */
  async next(count: number, signal: AbortSignal): Promise<readonly PageColumn[]> {
    let turnEndsAt = performance.now() + turnMs
    for (let done = 0; done < count; ) {
      signal.throwIfAborted()
      if (this.#left === 0) await this.#openRowGroup()
      const take = Math.min(sliceRows, count - done, this.#left)
      for (const [i, values] of this.#values.entries())
        await this.#readers[i]?.read(values, done, take).catch((error: unknown) => this.#fail(error, i))
      this.#left -= take
      this.#row += take
      done += take
      if (performance.now() < turnEndsAt) continue
      await nextTurn()
      turnEndsAt = performance.now() + turnMs
    }
    return this.#columns.map(({ name, finish }, i) => ({ name, finish, values: this.#values[i] ?? [] }))
  }

  async #openRowGroup(): Promise<void> {
    let end = 0
    const rowGroup = this.#file.rowGroups.findIndex((rows) => (end += rows) > this.#row)
    const rows = this.#file.rowGroups[rowGroup]
    if (rows === undefined)
      throw new TerminalError(
        'SOURCE_NOT_READABLE',
        `${this.#file.path} has ${end} rows, row ${this.#row} was asked for`,
      )
    this.#rowGroup = rowGroup
    this.#left = end - this.#row
    this.#readers = this.#columns.map((column) => column.open(rowGroup))
    for (const [i, reader] of this.#readers.entries())
      await reader.skip(rows - this.#left).catch((error: unknown) => this.#fail(error, i))
  }

  #fail(error: unknown, index: number): never {
    const column = this.#columns[index]?.name
    if (isSystemError(error)) throw error
    const problem =
      error instanceof ValueError
        ? `row ${this.#row + error.index}: column "${column}" ${error.message}; correct the file or the schema`
        : `row group ${this.#rowGroup}: column "${column}" is damaged (${messageOf(error)}); write the file again`
    throw new TerminalError('SOURCE_NOT_READABLE', `${this.#file.path}, ${problem}`, { cause: error })
  }
}

function columnOf(file: ParquetFile, field: RowField): Column {
  const { name } = field
  const column = file.columns.find((candidate) => candidate.name === name)
  const conversion = column === undefined ? null : conversionOf(column, field)
  if (conversion === null) {
    const convert = nestedConversionOf(field)
    return { name, finish: null, open: (rowGroup) => file.nestedColumn(rowGroup, name, convert) }
  }
  return { name, finish: conversion.finish, open: (rowGroup) => file.column(rowGroup, name, conversion) }
}

/** The disk or the network said no, not the content of the file: it may pass. */
const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error
