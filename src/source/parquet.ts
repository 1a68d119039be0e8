// Reads: Parquet files below the definition's folder. Writes: nothing.
// On a crash: nothing is kept; reading resumes after the cursor, the position of the last row handled.
// Never: reads a file other than the one that was planned, nor holds more rows in memory than one page has.
import { resolve } from 'node:path'
import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PinnedFile } from '../contract/plan.ts'
import { boundValue, type Cursor } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { ParquetSource } from '../define/source-definition.ts'
import { requireSame } from '../files/open-file.ts'
import { ParquetFile } from '../files/parquet-file.ts'
import { FileLocator } from '../plan/file-locator.ts'
import { ColumnRows, type PageColumn } from './column-rows.ts'
import { findPaths } from './file-paths.ts'
import { ParquetRows } from './parquet-rows.ts'
import { contradictions } from './parquet-schema.ts'
import { anyField, type RowField, type RowReading, readingOf } from './row-field.ts'
import type { Page, PageRows, Source, SourceRange } from './source.ts'
import { locatedBy, sourceUnreadable } from './source-unreadable.ts'
import { validatedRows } from './validated-rows.ts'

/**
 * The rows of Parquet files, in the order of their paths, which are relative to `folder`. The natural partition is the
 * row group; a range within one costs little more, for what lies before it is passed over without being decoded.
 */
export function openParquetSource(definition: ParquetSource<AnyRow>, options: { folder: string }): Source {
  return new ParquetFiles(definition, options.folder)
}

class ParquetFiles implements Source {
  readonly #definition: ParquetSource<AnyRow>
  readonly #folder: string
  readonly #reading: RowReading

  constructor(definition: ParquetSource<AnyRow>, folder: string) {
    this.#definition = definition
    this.#folder = folder
    this.#reading = readingOf(definition.schema)
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#survey(signal)
  }

  async pin(_partitionBy: PartitionBy, _params: AnyRow, signal: AbortSignal): Promise<PinnedBounds> {
    return { kind: 'rows', files: await this.#survey(signal) }
  }

  async *read(
    { range, locator }: SourceRange,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    const [from, to] = [position(range.from), position(range.to)]
    let next = after === null ? from : Math.max(from, position(after) + 1)
    if (next >= to) {
      yield { rows: [], cursor: after, last: true }
      return
    }
    const place = locatedBy(FileLocator, { range, locator }, 'in which file it lies')
    const file = await ParquetFile.open(resolve(this.#folder, place.path))
    try {
      requireSame(file.path, await file.identityNow(), place)
      const rows = new ParquetRows(file, this.#fieldsOf(file), next - place.firstPosition)
      while (next < to) {
        const count = Math.min(chunkRows, to - next)
        const page = await this.#rowsOf(await rows.next(count, signal), count, next)
        next += count
        // Checked after reading: rows of a file that was changed meanwhile are never handed out.
        requireSame(file.path, await file.identityNow(), place)
        yield { rows: page, cursor: String(next - 1), last: next >= to }
        if (page instanceof ColumnRows) page.release()
      }
    } finally {
      await file.close()
    }
  }

  async #rowsOf(columns: readonly PageColumn[], length: number, first: number): Promise<PageRows> {
    const { position: name, schema } = this.#definition
    const rows = new ColumnRows(columns, length, name === null ? null : { name, first })
    if (!this.#reading.validates) return rows
    const valid = await validatedRows(schema, rows, (index) => `the row at position ${first + index}`)
    return name === null ? valid : valid.map((row, index) => ({ ...row, [name]: first + index }))
  }

  #fieldsOf(file: ParquetFile): readonly RowField[] {
    return this.#reading.fields ?? file.columns.map(({ name }) => anyField(name))
  }

  /** Opens every file; throws TerminalError with all that is wrong in any of them. */
  async #survey(signal: AbortSignal): Promise<PinnedFile[]> {
    const { paths, problems } = await findPaths(this.#definition.paths, this.#folder, 'parquet')
    const reasons = [...problems]
    const files: PinnedFile[] = []
    for (const path of paths) {
      signal.throwIfAborted()
      try {
        files.push({ path, ...(await this.#inspect(resolve(this.#folder, path))) })
      } catch (error) {
        if (!(error instanceof TerminalError)) throw error
        reasons.push(...error.reasons)
      }
    }
    if (reasons.length > 0) throw sourceUnreadable(reasons)
    return files
  }

  async #inspect(path: string): Promise<Omit<PinnedFile, 'path'>> {
    const file = await ParquetFile.open(path)
    try {
      const problems = contradictions(file.columns, this.#fieldsOf(file), this.#definition.position)
      if (problems.length > 0) throw sourceUnreadable(problems.map((problem) => `${path}: ${problem}`))
      return { ...file.identity, rowGroups: [...file.rowGroups] }
    } finally {
      await file.close()
    }
  }
}

function position(text: string): number {
  return Number(boundValue('integer', text))
}
