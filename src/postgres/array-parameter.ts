// Arrays as parameters of a statement, in the server's own binary form: neither side writes or parses text, and nothing
// is escaped. With `unnest` they are rows.
import { RowError } from '../sink/sink.ts'
import type { Column, Encode } from './column.ts'
import { columnTypes } from './column-encoder.ts'
import { GrowingBytes } from './growing-bytes.ts'

/** By type its number in every Postgres, and the bytes of an element, its length included; null: as many as its text. */
const types = {
  boolean: { oid: 16, bytes: 5 },
  bigint: { oid: 20, bytes: 12 },
  text: { oid: 25, bytes: null },
  float8: { oid: 701, bytes: 12 },
  timestamptz: { oid: 1184, bytes: 12 },
  numeric: { oid: 1700, bytes: 40 },
  uuid: { oid: 2950, bytes: 20 },
  json: { oid: 114, bytes: null },
  jsonb: { oid: 3802, bytes: null },
} as const
export type ElementType = keyof typeof types

const headerBytes = 20
const slackBytes = 32

/**
 * The parameter for `$n::TYPE[]`. Elements are what columns of the type take (column-encoder.ts), null, or undefined for
 * null; of json and jsonb they are its text, as JSON.stringify writes it. Throws RowError, with `name` as the column, for what does not fit.
 */
export function arrayParameter(name: string, type: ElementType, elements: readonly unknown[]): Buffer {
  const { oid } = types[type]
  const isEmpty = elements.length === 0
  const out = new GrowingBytes(headerBytes + capacityFor(type, elements), slackBytes)
  out.view.setInt32(0, isEmpty ? 0 : 1)
  out.view.setInt32(4, 0)
  out.view.setInt32(8, oid)
  out.view.setInt32(12, elements.length)
  out.view.setInt32(16, 1)
  out.length = isEmpty ? 12 : headerBytes
  const encode = elementEncoder(name, type)
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

/** Enough at once for what is plain ASCII: to grow costs more than to fill. */
function capacityFor(type: ElementType, elements: readonly unknown[]): number {
  const { bytes } = types[type]
  if (bytes !== null) return elements.length * bytes
  let [characters, longest] = [0, 0]
  for (const element of elements)
    if (typeof element === 'string') {
      characters += element.length
      longest = Math.max(longest, element.length)
    }
  // What reserves room for an element takes it to be as long as it could be.
  return characters + 5 * elements.length + 3 * longest
}

/** Appends an element that is not null: its length, and its bytes, as they stand in an array and in a row of COPY. */
export function elementEncoder(name: string, type: ElementType): Encode {
  if (type === 'json') return (out, value) => appendJson(out, name, String(value))
  if (type === 'jsonb') return (out, value) => appendJsonb(out, String(value))
  const checked = checkedEncoder(name, type)
  if (type !== 'uuid') return checked
  return (out, value) => {
    if (typeof value !== 'string' || !appendUuid(out, value)) checked(out, value)
  }
}

function checkedEncoder(name: string, type: Exclude<ElementType, 'json' | 'jsonb'>): Encode {
  const column: Column = {
    ...{ name, type, typeOid: types[type].oid, typmod: -1, notNull: false, hasDefault: false },
    ...{ generated: false, identity: false, deterministic: true },
  }
  return columnTypes[types[type].oid].encode(column)
}

/** Behind the version of the binary form. Text that JSON.stringify wrote has nothing in it that UTF-8 could not carry. */
function appendJsonb(out: GrowingBytes, text: string): void {
  out.reserve(5 + 3 * text.length)
  const length = out.bytes.write(text, out.length + 5, 'utf8')
  out.view.setInt32(out.length, length + 1)
  out.view.setUint8(out.length + 4, 1)
  out.length += 5 + length
}

/** An escape that stands for what no text of the server can hold: NUL, or a half of a surrogate pair. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][\da-f]{2})/

/** The server keeps this text as it is and reads it when it is asked for a field: what it could not read then is refused now. */
function appendJson(out: GrowingBytes, name: string, text: string): void {
  if (text.includes('\\u')) {
    const [escape] = unstorable.exec(text) ?? []
    if (escape !== undefined)
      throw new RowError(`column "${name}" is json: it has ${escape.slice(-6)}, which no text of the server can hold`)
  }
  out.reserve(4 + 3 * text.length)
  const length = out.bytes.write(text, out.length + 4, 'utf8')
  out.view.setInt32(out.length, length)
  out.length += 4 + length
}

/** A uuid as everybody writes it, which is not hashed here. False, with nothing appended, when it is not plainly one. */
function appendUuid(out: GrowingBytes, uuid: string): boolean {
  const { bytes, length } = out
  if (uuid.length !== 36) return false
  let at = length + 4
  for (let i = 0; i < 36; i += 2) {
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (uuid.charCodeAt(i) !== 45) return false
      i += 1
    }
    const [high, low] = [digits[uuid.charCodeAt(i)] ?? 16, digits[uuid.charCodeAt(i + 1)] ?? 16]
    if ((high | low) > 15) return false
    bytes[at] = (high << 4) | low
    at += 1
  }
  out.view.setInt32(length, 16)
  out.length = at
  return true
}

/** Of a character its value as a hexadecimal digit; 16: it is none. */
const digits = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return digit < 0 ? 16 : digit
})
