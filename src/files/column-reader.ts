import type { ColumnMetaData, PageHeader, SchemaElement } from 'hyparquet/src/types.js'
import type { ColumnPages } from './column-pages.ts'
import { type Decompress, decompressorOf } from './decompress.ts'
import { freeBytes } from './free-bytes.ts'
import {
  type Conversion,
  type Dictionary,
  DictionaryValues,
  dictionaryOf,
  type PageValues,
  SequentialValues,
} from './page-values.ts'
import { decodedReader, plainReader } from './raw-value.ts'
import { RleBitPacked } from './rle-bit-packed.ts'
import { ValueError } from './value-error.ts'

/** One column of one row group, read forwards. */
export interface ColumnReader {
  /**
   * Sets `out[at]` to `out[at + rows - 1]`. Throws ValueError with the index of the row from 0, and Error when the file
   * is damaged.
   */
  read(out: unknown[], at: number, rows: number): Promise<void>
  skip(rows: number): Promise<void>
}

/** Values of a page and how many rows of it are left. */
interface OpenPage {
  rowsLeft: number
  readonly bytes: Buffer
  /** 1 for a value, 0 for a null; null when the page has no nulls. */
  readonly levels: RleBitPacked | null
  readonly values: PageValues
}

/**
 * A column that is neither nested nor repeated. It decodes as many rows as are asked for and holds one page, as bytes:
 * a row group costs the memory of its pages' bytes, not of its rows, and beginning in the middle costs next to nothing.
 */
export class FlatColumnReader implements ColumnReader {
  readonly #pages: ColumnPages
  readonly #element: SchemaElement
  readonly #codec: ColumnMetaData['codec']
  readonly #conversion: Conversion
  #decompress: Decompress | null = null
  #dictionary: Dictionary | null = null
  #page: OpenPage | null = null
  #levels = new Int32Array(0)

  constructor(pages: ColumnPages, element: SchemaElement, codec: ColumnMetaData['codec'], conversion: Conversion) {
    this.#pages = pages
    this.#element = element
    this.#codec = codec
    this.#conversion = conversion
  }

  async read(out: unknown[], at: number, rows: number): Promise<void> {
    for (let done = 0; done < rows; ) {
      const page = await this.#openPage(0)
      const take = Math.min(rows - done, page.rowsLeft)
      try {
        this.#readPage(page, out, at + done, take)
      } catch (error) {
        if (error instanceof ValueError) error.index += done
        throw error
      }
      this.#advance(page, take)
      done += take
    }
  }

  async skip(rows: number): Promise<void> {
    for (let left = rows; left > 0; ) {
      const page = await this.#openPage(left)
      const take = Math.min(left, page.rowsLeft)
      page.values.skip(page.levels === null ? take : page.levels.count(1, take))
      this.#advance(page, take)
      left -= take
    }
  }

  #advance(page: OpenPage, rows: number): void {
    page.rowsLeft -= rows
    if (page.rowsLeft > 0) return
    freeBytes(page.bytes)
    this.#pages.finish()
  }

  #readPage({ levels, values }: OpenPage, out: unknown[], at: number, rows: number): void {
    if (levels === null || levels.passRun(1, rows)) values.read(out, at, rows)
    else this.#readWithNulls(levels, values, out, at, rows)
  }

  #readWithNulls(levels: RleBitPacked, values: PageValues, out: unknown[], at: number, rows: number): void {
    const { absent } = this.#conversion
    if (this.#levels.length < rows) this.#levels = new Int32Array(rows)
    const present = this.#levels.subarray(0, rows)
    levels.read(present, rows)
    if (absent === 'refused') {
      const error = new ValueError('is null')
      error.index = present.indexOf(0)
      if (error.index >= 0) throw error
    }
    let value = present.reduce((sum, level) => sum + level, 0)
    try {
      values.read(out, at, value)
    } catch (error) {
      if (error instanceof ValueError) error.index = rowOfValue(present, error.index)
      throw error
    }
    // From the end, so that no value is overwritten before it has moved to its row.
    const nothing = absent === 'refused' ? null : absent.value
    for (let row = rows - 1; row >= 0; row--) out[at + row] = present[row] === 1 ? out[at + --value] : nothing
  }

  /** The page that holds the next row; pages of which all rows are to be skipped are passed unread. */
  async #openPage(skipping: number): Promise<OpenPage> {
    while (this.#page === null || this.#page.rowsLeft === 0) {
      const header = await this.#pages.header()
      if (header === null) throw new Error('the column ends before its row group does')
      const rows = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_rows ?? 0
      if (header.dictionary_page_header !== undefined) await this.#readDictionary(header)
      else if (rows > 0 && rows > skipping) this.#page = await this.#open(header)
      else {
        this.#pages.pass(header.compressed_page_size)
        if (rows > 0) this.#page = { rowsLeft: rows, bytes: Buffer.alloc(0), levels: null, values: passed }
      }
    }
    return this.#page
  }

  async #readDictionary(header: PageHeader): Promise<void> {
    // A copy, for values may be parts of it for as long as the column is read.
    const bytes = Buffer.from(await this.#pageBytes(header, 0))
    const next = plainReader(this.#element, bytes)
    const count = header.dictionary_page_header?.num_values ?? 0
    this.#dictionary = dictionaryOf(Array.from({ length: count }, next), this.#conversion)
  }

  async #open(header: PageHeader): Promise<OpenPage> {
    const [v1, v2] = [header.data_page_header, header.data_page_header_v2]
    const optional = this.#element.repetition_type === 'OPTIONAL'
    if (v2 !== undefined) {
      const levelBytes = v2.definition_levels_byte_length + v2.repetition_levels_byte_length
      const bytes = await this.#pageBytes(header, levelBytes)
      const levels = bytes.subarray(v2.repetition_levels_byte_length, levelBytes)
      return {
        rowsLeft: v2.num_rows,
        bytes,
        levels: optional && v2.num_nulls > 0 ? new RleBitPacked(viewOf(levels), 1) : null,
        values: this.#valuesOf(v2.encoding, bytes.subarray(levelBytes), v2.num_values - v2.num_nulls),
      }
    }
    if (v1 === undefined) throw new Error(`a page of type ${header.type} is not supported`)
    const bytes = await this.#pageBytes(header, 0)
    const rowsLeft = v1.num_values
    if (!optional) return { rowsLeft, bytes, levels: null, values: this.#valuesOf(v1.encoding, bytes, rowsLeft) }
    if (v1.definition_level_encoding !== 'RLE')
      throw new Error(`definition levels in encoding ${v1.definition_level_encoding} are not supported`)
    const levelBytes = bytes.readUInt32LE(0)
    const levels = (): RleBitPacked => new RleBitPacked(viewOf(bytes.subarray(4, 4 + levelBytes)), 1)
    const present = levels().count(1, rowsLeft)
    return {
      rowsLeft,
      bytes,
      levels: present === rowsLeft ? null : levels(),
      values: this.#valuesOf(v1.encoding, bytes.subarray(4 + levelBytes), present),
    }
  }

  #valuesOf(encoding: ColumnMetaData['encodings'][number], bytes: Buffer, count: number): PageValues {
    if (count === 0) return passed
    switch (encoding) {
      case 'PLAIN':
        return new SequentialValues(plainReader(this.#element, bytes), this.#conversion)
      case 'PLAIN_DICTIONARY':
      case 'RLE_DICTIONARY': {
        if (this.#dictionary === null) throw new Error('the dictionary of the column is missing')
        const indices = new RleBitPacked(viewOf(bytes.subarray(1)), bytes.readUInt8(0))
        return new DictionaryValues(indices, this.#dictionary, this.#conversion)
      }
      default:
        return new SequentialValues(decodedReader(this.#element, encoding, bytes, count), this.#conversion)
    }
  }

  /** The page's bytes, all but the first `plainBytes` of them decompressed. */
  async #pageBytes(header: PageHeader, plainBytes: number): Promise<Buffer> {
    this.#decompress ??= await decompressorOf(this.#codec)
    const bytes = await this.#pages.take(header.compressed_page_size)
    if (header.data_page_header_v2?.is_compressed === false) return bytes
    const body = this.#decompress(bytes.subarray(plainBytes), header.uncompressed_page_size - plainBytes)
    const page = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    return plainBytes === 0 ? page : Buffer.concat([bytes.subarray(0, plainBytes), page])
  }
}

/** Values of a page nobody looks at: a page of nulls, or one that is skipped as a whole. */
const passed: PageValues = { read: () => undefined, skip: () => undefined }

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function rowOfValue(present: Int32Array, value: number): number {
  let row = present.indexOf(1)
  for (let seen = 0; seen < value; seen++) row = present.indexOf(1, row + 1)
  return row
}
