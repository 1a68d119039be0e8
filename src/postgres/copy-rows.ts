import { type ElementType, elementEncoder } from './array-parameter.ts'
import { fixedWidth } from './column.ts'
import type { CopyBuffer } from './copy-binary.ts'
import { GrowingBytes } from './growing-bytes.ts'

export interface CopyColumn<Row> {
  readonly name: string
  readonly type: ElementType
  of(this: void, row: Row): unknown
}

const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const trailer = Buffer.from([0xff, 0xff])
/** Of a row, as a first guess. */
const rowBytes = 1_024

/**
 * Rows in the bytes of COPY … (FORMAT binary), of which some may be left out once it is known which. Values are what
 * elements of an array parameter are (`arrayParameter`). Throws RowError for one that its column cannot hold.
 */
export class CopyRows {
  private readonly bytes: Buffer
  /** Where each row begins, and where the last one ends. */
  private readonly places: readonly number[]

  constructor(columns: readonly CopyColumn<never>[], rows: readonly unknown[])
  constructor(columns: readonly CopyColumn<unknown>[], rows: readonly unknown[]) {
    const out = new GrowingBytes(rows.length * rowBytes, (columns.length + 1) * fixedWidth)
    const writers = columns.map(({ name, type, of }) => ({ of, encode: elementEncoder(name, type) }))
    const places = [0]
    for (const row of rows) {
      out.reserve(0)
      out.view.setInt16(out.length, columns.length)
      out.length += 2
      for (const { of, encode } of writers) {
        const value = of(row)
        if (value === null || value === undefined) {
          out.view.setInt32(out.length, -1)
          out.length += 4
        } else encode(out, value)
      }
      places.push(out.length)
    }
    this.bytes = out.written()
    this.places = places
  }

  /** Those at the places that are wanted, with what COPY wants around them. */
  only(isWanted: (place: number) => boolean): Pick<CopyBuffer, 'rows' | 'finished'> {
    const parts: Buffer[] = [header]
    let rows = 0
    let from = 0
    const { bytes, places } = this
    for (let at = 0; at + 1 < places.length; at += 1) {
      if (isWanted(at)) {
        rows += 1
        continue
      }
      parts.push(bytes.subarray(from, places[at]))
      from = places[at + 1] ?? bytes.length
    }
    parts.push(bytes.subarray(from), trailer)
    return { rows, finished: () => Buffer.concat(parts) }
  }
}
