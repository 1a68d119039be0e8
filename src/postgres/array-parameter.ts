// Arrays as parameters of a statement, in the server's own binary form: neither side writes or parses text, and nothing
// is escaped. With `unnest` they are rows.
import type { Column, Encode } from './column.ts'
import { columnTypes } from './column-encoder.ts'
import { GrowingBytes } from './growing-bytes.ts'

const oids = {
  boolean: 16,
  bigint: 20,
  text: 25,
  float8: 701,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const
export type ElementType = keyof typeof oids

const headerBytes = 20
const slackBytes = 32

/**
 * The parameter for `$n::TYPE[]`. Elements are what columns of the type take (column-encoder.ts), null, or undefined for
 * null; of jsonb they are its text. Throws RowError, with `name` as the column, for what does not fit.
 */
export function arrayParameter(name: string, type: ElementType, elements: readonly unknown[]): Buffer {
  const out = new GrowingBytes(headerBytes + elements.length * 24, slackBytes)
  const { view } = out
  const isEmpty = elements.length === 0
  view.setInt32(0, isEmpty ? 0 : 1)
  view.setInt32(4, 0)
  view.setInt32(8, oids[type])
  view.setInt32(12, elements.length)
  view.setInt32(16, 1)
  out.length = isEmpty ? 12 : headerBytes
  const encode = encoderOf(name, type)
  let hasNull = false
  for (const element of elements) {
    out.reserve(0)
    if (element === null || element === undefined) {
      hasNull = true
      out.view.setInt32(out.length, -1)
      out.length += 4
    } else encode(out, element)
  }
  if (hasNull) out.view.setInt32(4, 1)
  return out.written()
}

function encoderOf(name: string, type: ElementType): Encode {
  if (type === 'jsonb') return appendJsonb
  const column: Column = {
    ...{ name, type, typeOid: oids[type], typmod: -1, notNull: false, hasDefault: false },
    ...{ generated: false, identity: false, deterministic: true },
  }
  return columnTypes[oids[type]].encode(column)
}

/** Behind the version of the binary form. Text that JSON.stringify wrote has nothing in it that UTF-8 could not carry. */
function appendJsonb(out: GrowingBytes, value: unknown): void {
  const text = String(value)
  out.reserve(5 + 3 * text.length)
  const length = out.bytes.write(text, out.length + 5, 'utf8')
  out.view.setInt32(out.length, length + 1)
  out.view.setUint8(out.length + 4, 1)
  out.length += 5 + length
}
