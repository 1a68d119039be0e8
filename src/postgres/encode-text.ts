import { type Column, type Encode, misfit } from './column.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import { hashBytes } from './lookup3.ts'

/** text, and varchar(n) with its length checked. */
export function encodeText(column: Column): Encode {
  const limit = column.typmod < 4 ? Number.POSITIVE_INFINITY : column.typmod - 4
  return (out, value) => {
    if (typeof value !== 'string') throw misfit(column, value, 'text is right')
    if (value.length > limit && characters(value) > limit)
      throw misfit(column, value, `${characters(value)} characters, at most ${limit} are right`)
    const length = writeText(out, value)
    if (length < 0) throw misfit(column, value, notText(value))
    hashBytes(out.view, out.length - length, length)
  }
}

/**
 * Appends text, its length in bytes first, and returns that length; −1, with nothing appended, when Postgres could
 * not hold it. Short ASCII, the common case, is copied here: a call out of JavaScript costs more than the copying.
 */
export function writeText(out: GrowingBytes, text: string): number {
  const { length } = text
  out.reserve(4 + 3 * length)
  const at = out.length + 4
  if (length > 48) return writeLongText(out, text)
  const { bytes } = out
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    // Also true for 0, which is refused below.
    if ((code - 1) >>> 0 > 126) return writeLongText(out, text)
    bytes[at + i] = code
  }
  out.view.setInt32(at - 4, length)
  out.length = at + length
  return length
}

function writeLongText(out: GrowingBytes, text: string): number {
  if (notText(text) !== '') return -1
  const length = out.bytes.write(text, out.length + 4, 'utf8')
  out.view.setInt32(out.length, length)
  out.length += 4 + length
  return length
}

/** Why Postgres cannot hold a text; empty when it can. */
export function notText(text: string): string {
  if (text.includes('\0')) return `text without the character NUL is right (it stands at place ${text.indexOf('\0')})`
  if (!text.isWellFormed()) return 'well-formed Unicode is right (it has half a surrogate pair)'
  return ''
}

function characters(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
