import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { readDataPage } from 'hyparquet/src/datapage.js'
import type { Encoding, SchemaElement } from 'hyparquet/src/types.js'

/** A value as the file has it: INT64 as a number where that is exact, else as a bigint; texts and binaries as bytes. */
export type RawValue = number | bigint | boolean | Buffer

/** Gives one value after the other. */
export type RawReader = () => RawValue

const julianDayOf1970 = 2_440_588n
const nanosPerDay = 86_400_000_000_000n

/** Reader of values in PLAIN encoding. */
export function plainReader(element: SchemaElement, bytes: Buffer): RawReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const fixed =
    (width: number, read: (from: number) => RawValue): RawReader =>
    () => {
      const from = at
      at += width
      return read(from)
    }
  const slice = (from: number, length: number): Buffer => {
    if (from + length > bytes.byteLength) throw new Error('a value runs past the end of its page')
    return bytes.subarray(from, from + length)
  }
  switch (element.type) {
    case 'BOOLEAN':
      return () => ((view.getUint8(at >> 3) >> (at++ & 7)) & 1) === 1
    case 'INT32':
      return fixed(4, (from) => view.getInt32(from, true))
    case 'INT64':
      return fixed(8, (from) => int64At(view, from))
    case 'INT96':
      return fixed(
        12,
        (from) =>
          (BigInt(view.getUint32(from + 8, true)) - julianDayOf1970) * nanosPerDay + view.getBigUint64(from, true),
      )
    case 'FLOAT':
      return fixed(4, (from) => view.getFloat32(from, true))
    case 'DOUBLE':
      return fixed(8, (from) => view.getFloat64(from, true))
    case 'BYTE_ARRAY':
      return () => {
        const length = view.getUint32(at, true)
        const value = slice(at + 4, length)
        at += 4 + length
        return value
      }
    case 'FIXED_LEN_BYTE_ARRAY': {
      const width = element.type_length ?? 0
      return fixed(width, (from) => slice(from, width))
    }
    default:
      throw new Error(`values of type ${String(element.type)} are not supported`)
  }
}

/** INT64 without a bigint in between where a number is exact. */
function int64At(view: DataView, at: number): number | bigint {
  const value = view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true)
  return Number.isSafeInteger(value) ? value : view.getBigInt64(at, true)
}

/** Reader of `count` values in one of the rarer encodings, decoded by hyparquet a page at a time. */
export function decodedReader(element: SchemaElement, encoding: Encoding, bytes: Buffer, count: number): RawReader {
  const { dataPage } = readDataPage(
    bytes,
    { num_values: count, encoding, definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' },
    {
      pathInSchema: [],
      schemaPath: [],
      type: element.type ?? 'INT32',
      element,
      codec: 'UNCOMPRESSED',
      parsers: DEFAULT_PARSERS,
    },
  )
  let at = 0
  return () => rawValue(dataPage[at++])
}

function rawValue(value: unknown): RawValue {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw new Error(`a page ends before its last value`)
}
