// Rows into the bytes of COPY … (FORMAT binary), hashed on the way by Postgres's own record hash: one pass over each
// value, no object per row. A row that does not fit leaves nothing behind.
import { RetryableError } from '../contract/errors.ts'
import { type RowBuffer, RowError } from '../sink/sink.ts'
import { type Column, type Encode, fixedWidth } from './column.ts'
import { columnTypeNames, columnTypeOf } from './column-encoder.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { hashed } from './lookup3.ts'
import { type GuardedRange, guarded } from './range-guard.ts'
import { RecordSum } from './record-sum.ts'

const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const trailer = Buffer.from([0xff, 0xff])

export interface CopyLayout {
  /** In the order in which they are written and hashed. */
  readonly columns: readonly Column[]
  readonly encoders: readonly Encode[]
  /** Whether each row begins with its number, from 0, as an int4 that is not hashed. */
  readonly numbered: boolean
}

export interface CopyLimits {
  readonly rowBytes: number
  readonly chunkBytes: number
}

const noLimits: CopyLimits = { rowBytes: Number.MAX_SAFE_INTEGER, chunkBytes: Number.MAX_SAFE_INTEGER }

/** Throws TypeError for a column whose type cannot be written; a sink's `check` has said so before. */
export function copyLayout(columns: readonly Column[], numbered = false): CopyLayout {
  const encoders = columns.map((column) => {
    const type = columnTypeOf(column)
    if (type === undefined)
      throw new TypeError(`column "${column.name}" is ${column.type}, which cannot be written; ${columnTypeNames} can`)
    return type.encode(column)
  })
  return { columns, encoders, numbered }
}

/** The same layout for rows that all lie in a range of one of its columns. */
export function guardedLayout(layout: CopyLayout, columnName: string, range: GuardedRange): CopyLayout {
  const at = layout.columns.findIndex(({ name }) => name === columnName)
  const [column, encode] = [layout.columns[at], layout.encoders[at]]
  if (column === undefined || encode === undefined) throw new TypeError(`the layout has no column "${columnName}"`)
  return {
    ...layout,
    // NULL is in no range.
    columns: layout.columns.with(at, { ...column, notNull: true }),
    encoders: layout.encoders.with(at, guarded(column, encode, range)),
  }
}

/** One chunk's rows. `capacity`: bytes to begin with. */
export class CopyBuffer implements RowBuffer {
  rows = 0
  private readonly layout: CopyLayout
  private readonly out: GrowingBytes
  private readonly sum = new RecordSum()
  private readonly limits: CopyLimits

  constructor(layout: CopyLayout, capacity = 65_536, limits: CopyLimits = noLimits) {
    this.layout = layout
    this.limits = limits
    this.out = new GrowingBytes(capacity, (layout.columns.length + 1) * fixedWidth + header.length)
    this.out.length = header.copy(this.out.bytes)
  }

  get bytes(): number {
    return this.out.length
  }

  get contentHash(): bigint {
    return this.sum.total()
  }

  add(row: Readonly<Record<string, unknown>>): void {
    const { out } = this
    const begin = out.length
    try {
      this.write(row)
    } catch (error) {
      out.length = begin
      throw error
    }
  }

  addAll(rows: readonly Readonly<Record<string, unknown>>[]): void {
    const begin = { length: this.out.length, rows: this.rows, hash: this.contentHash }
    try {
      for (const row of rows) this.write(row)
    } catch (error) {
      this.out.length = begin.length
      this.rows = begin.rows
      this.sum.goBackTo(begin.hash)
      throw error
    }
  }

  /** Header, rows and trailer: all that the server wants of a COPY. Nothing may be added afterwards. */
  finished(): Buffer {
    this.out.reserve(trailer.length)
    trailer.copy(this.out.bytes, this.out.length)
    return this.out.bytes.subarray(0, this.out.length + trailer.length)
  }

  private write(row: Readonly<Record<string, unknown>>): void {
    const { out } = this
    const { columns, encoders, numbered } = this.layout
    const count = columns.length
    const begin = out.length
    out.reserve(0)
    out.view.setInt16(out.length, numbered ? count + 1 : count)
    out.length += 2
    if (numbered) {
      out.view.setInt32(out.length, 4)
      out.view.setInt32(out.length + 4, this.rows)
      out.length += 8
    }
    // `hash_record_extended`: h = h * 31 + hash of the column modulo 2^64, NULL counting 0.
    let high = 0
    let low = 0
    for (let i = 0; i < count; i++) {
      const column = columns[i]
      const encode = encoders[i]
      if (column === undefined || encode === undefined) break
      const value = row[column.name]
      let product = (low >>> 0) * 31
      high = Math.imul(high, 31)
      if (value === null || value === undefined) {
        if (column.notNull) throw new RowError(`column "${column.name}" is not null: got ${value}`)
        out.view.setInt32(out.length, -1)
        out.length += 4
      } else {
        encode(out, value)
        product += (hashed[1] ?? 0) >>> 0
        high += hashed[0] ?? 0
      }
      high = (high + Math.floor(product / 0x1_0000_0000)) | 0
      low = product | 0
    }
    if (out.length - begin > this.limits.rowBytes)
      throw new RowError(`the row has ${out.length - begin} bytes, limits.maxRowBytes is ${this.limits.rowBytes}`)
    if (out.length > this.limits.chunkBytes)
      throw new RetryableError(
        'CHUNK_TOO_LARGE',
        `row ${this.rows} brings the chunk to ${out.length} bytes, limits.maxChunkBytes is ${this.limits.chunkBytes}`,
      )
    this.sum.add(high, low)
    this.rows += 1
  }
}
