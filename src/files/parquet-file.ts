import type { FileHandle } from 'node:fs/promises'
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { messageOf, TerminalError } from '../contract/errors.ts'
import { ColumnPages } from './column-pages.ts'
import { type ColumnReader, FlatColumnReader } from './column-reader.ts'
import { NestedColumnReader } from './nested-column-reader.ts'
import { type FileIdentity, identityOf, openFile } from './open-file.ts'
import type { Conversion } from './page-values.ts'
import { type ParquetColumn, parquetColumn } from './parquet-column.ts'

/** An open Parquet file: its columns and row groups, and readers of them. */
export class ParquetFile {
  readonly path: string
  readonly identity: FileIdentity
  readonly columns: readonly ParquetColumn[]
  /** Rows of each row group. */
  readonly rowGroups: readonly number[]
  readonly #handle: FileHandle
  readonly #metadata: FileMetaData

  private constructor(path: string, handle: FileHandle, identity: FileIdentity, metadata: FileMetaData) {
    this.path = path
    this.identity = identity
    this.columns = parquetSchema(metadata).children.map(parquetColumn)
    this.rowGroups = metadata.row_groups.map((group) => Number(group.num_rows))
    this.#handle = handle
    this.#metadata = metadata
  }

  /** Throws TerminalError (SOURCE_NOT_READABLE) when the file is missing, or is no whole Parquet file. */
  static async open(path: string): Promise<ParquetFile> {
    const handle = await openFile(path)
    try {
      const identity = await identityOf(handle)
      const metadata = await parquetMetadataAsync(asyncBuffer(handle, identity.bytes)).catch((error: unknown) => {
        throw unreadable(
          `${path} (${identity.bytes} bytes) is not a whole Parquet file (${messageOf(error)}): ` +
            'write it again, or leave it out of the paths',
          error,
        )
      })
      return new ParquetFile(path, handle, identity, metadata)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** What the open file is by now: somebody may be writing it. */
  async identityNow(): Promise<FileIdentity> {
    return identityOf(this.#handle)
  }

  /** The file's own statistics prove that no value of the column is null. */
  hasNoNulls(column: string): boolean {
    return this.#metadata.row_groups.every((group) => {
      const chunk = group.columns.find(({ meta_data: data }) => data?.path_in_schema[0] === column)
      return Number(chunk?.meta_data?.statistics?.null_count ?? -1) === 0
    })
  }

  /** Reads a column that is not nested, from the first row of a row group on. */
  column(rowGroup: number, name: string, conversion: Conversion): ColumnReader {
    const tree = parquetSchema(this.#metadata).children.find((child) => child.element.name === name)
    const chunk = this.#metadata.row_groups[rowGroup]?.columns.find(
      ({ meta_data: data }) => data?.path_in_schema[0] === name,
    )
    const data = chunk?.meta_data
    if (tree === undefined || data === undefined) throw new Error(`row group ${rowGroup} has no column "${name}"`)
    const start = Number(data.dictionary_page_offset || data.data_page_offset)
    const pages = new ColumnPages(this.#handle, start, start + Number(data.total_compressed_size))
    return new FlatColumnReader(pages, tree.element, data.codec, conversion)
  }

  /** Reads a nested column, whose values come as hyparquet gives them: lists as arrays, structs as objects. */
  nestedColumn(rowGroup: number, name: string, convert: (value: unknown) => unknown): ColumnReader {
    return new NestedColumnReader(() => this.#decode(rowGroup, name), convert)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #decode(rowGroup: number, column: string): Promise<readonly unknown[]> {
    const { compressors } = await import('hyparquet-compressors')
    const rowStart = this.rowGroups.slice(0, rowGroup).reduce((sum, rows) => sum + rows, 0)
    const rows = await parquetReadObjects({
      file: asyncBuffer(this.#handle, this.identity.bytes),
      metadata: this.#metadata,
      columns: [column],
      rowStart,
      rowEnd: rowStart + (this.rowGroups[rowGroup] ?? 0),
      compressors,
    })
    return rows.map((row): unknown => row[column])
  }
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const buffer = new ArrayBuffer(Math.max(0, Math.min(end, byteLength) - start))
      const bytes = new Uint8Array(buffer)
      for (let filled = 0; filled < bytes.byteLength; ) {
        const { bytesRead } = await handle.read(bytes, filled, bytes.byteLength - filled, start + filled)
        if (bytesRead === 0) throw new Error(`the file ends at byte ${start + filled}`)
        filled += bytesRead
      }
      return buffer
    },
  }
}

const unreadable = (message: string, cause: unknown): TerminalError =>
  new TerminalError('SOURCE_NOT_READABLE', message, { cause })
