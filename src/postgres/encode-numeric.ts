import { type Column, type Encode, misfit } from './column.ts'
import { hashNothing } from './encode-integer.ts'
import { hashBytes, hashed } from './lookup3.ts'
import { type PlainDecimal, plainDecimal, roundedTo } from './plain-decimal.ts'

const wanted = 'a finite number, a bigint or decimal digits as text are right'

/** numeric, in base 10,000 as on the wire; rounded to the column's scale as the server does, refused beyond its precision. */
export function encodeNumeric(column: Column): Encode {
  const limited = column.typmod >= 4
  const precision = ((column.typmod - 4) >> 16) & 0xffff
  const scale = (((column.typmod - 4) & 0x7ff) ^ 1024) - 1024
  return (out, value) => {
    const exact = decimalOf(value)
    if (exact === undefined) throw misfit(column, value, wanted)
    const number = limited ? roundedTo(exact, scale) : exact
    if (limited && significantWhole(number) > precision - scale)
      throw misfit(column, value, `a magnitude below 1e${precision - scale} is right`)
    const { negative, whole, fraction } = number
    const wholeGroups = Math.ceil(whole.length / 4)
    const digits = whole.padStart(wholeGroups * 4, '0') + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')
    let first = 0
    let end = digits.length / 4
    while (first < end && group(digits, first) === 0) first += 1
    while (end > first && group(digits, end - 1) === 0) end -= 1
    const count = end - first
    const weight = count === 0 ? 0 : wholeGroups - first - 1
    // The digits twice: as they travel, and in the server's own byte order for the hash.
    out.reserve(12 + 4 * count)
    const { view, length } = out
    view.setInt32(length, 8 + 2 * count)
    view.setInt16(length + 4, count)
    view.setInt16(length + 6, weight)
    view.setInt16(length + 8, negative && count > 0 ? 0x4000 : 0)
    view.setInt16(length + 10, fraction.length)
    const native = length + 12 + 2 * count
    for (let i = 0; i < count; i++) {
      const digit = group(digits, first + i)
      view.setInt16(length + 12 + 2 * i, digit)
      view.setInt16(native + 2 * i, digit, true)
    }
    out.length = native
    hashNumeric(view, native, count, weight)
  }
}

/** `hash_numeric_extended`: neither sign nor trailing zeros count, the place of the point does. */
function hashNumeric(view: DataView, at: number, count: number, weight: number): void {
  if (count === 0) {
    hashNothing()
    hashed[0] = -1
    hashed[1] = -1
    return
  }
  hashBytes(view, at, 2 * count)
  const [high = 0, low = 0] = hashed
  hashed[0] = high ^ (weight < 0 ? -1 : 0)
  hashed[1] = low ^ weight
}

/** Digits before the point, or minus the zeros right after it. */
function significantWhole({ whole, fraction }: PlainDecimal): number {
  if (whole !== '') return whole.length
  const zeros = fraction.search(/[1-9]/)
  return zeros < 0 ? Number.NEGATIVE_INFINITY : -zeros
}

const group = (digits: string, index: number): number => {
  const at = index * 4
  return (
    digits.charCodeAt(at) * 1000 +
    digits.charCodeAt(at + 1) * 100 +
    digits.charCodeAt(at + 2) * 10 +
    digits.charCodeAt(at + 3) -
    53_328
  )
}

function decimalOf(value: unknown): PlainDecimal | undefined {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? plainDecimal(String(value)) : undefined
    case 'bigint':
      return plainDecimal(value.toString())
    case 'string':
      return plainDecimal(value)
    default:
      return undefined
  }
}
