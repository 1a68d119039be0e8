import { type Column, type Encode, misfit } from './column.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import { hashed, hashInteger } from './lookup3.ts'

const wanted = 'a number without fraction, a bigint or decimal digits as text are right'

export function encodeBool(column: Column): Encode {
  return (out, value) => {
    if (typeof value !== 'boolean') throw misfit(column, value, 'true or false are right')
    const { view, length } = out
    view.setInt32(length, 1)
    view.setUint8(length + 4, value ? 1 : 0)
    out.length = length + 5
    hashInteger(value ? 1 : 0)
  }
}

export function encodeInt2(column: Column): Encode {
  return (out, value) => {
    const whole = typeof value === 'number' && (value << 16) >> 16 === value ? value : wholeWithin(column, value, 16)
    const { view, length } = out
    view.setInt32(length, 2)
    view.setInt16(length + 4, whole)
    out.length = length + 6
    hashInteger(whole)
  }
}

export function encodeInt4(column: Column): Encode {
  return (out, value) => {
    const whole = typeof value === 'number' && (value | 0) === value ? value : wholeWithin(column, value, 32)
    const { view, length } = out
    view.setInt32(length, 4)
    view.setInt32(length + 4, whole)
    out.length = length + 8
    hashInteger(whole)
  }
}

export function encodeInt8(column: Column): Encode {
  return (out, value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      const high = Math.floor(value / 0x1_0000_0000)
      writeInt8(out, high, (value - high * 0x1_0000_0000) | 0)
      return
    }
    const whole = wholeOf(column, value)
    if (BigInt.asIntN(64, whole) !== whole) throw misfit(column, value, rangeOf(64))
    writeInt8(out, Number(whole >> 32n), Number(BigInt.asIntN(32, whole)))
  }
}

/** Appends a 64-bit number given as two words, and hashes it: also what times are made of. */
export function writeInt8(out: GrowingBytes, high: number, low: number): void {
  const { view, length } = out
  view.setInt32(length, 8)
  view.setInt32(length + 4, high)
  view.setInt32(length + 8, low)
  out.length = length + 12
  hashInt8(high, low)
}

/** `hashint8extended`: equal to the hash of the same number as int4. */
export function hashInt8(high: number, low: number): void {
  hashInteger(low ^ (high >= 0 ? high : ~high))
}

/** The hash of NULL, and of whatever the server hashes to its seed. */
export function hashNothing(): void {
  hashed[0] = 0
  hashed[1] = 0
}

function wholeWithin(column: Column, value: unknown, bits: 16 | 32): number {
  const whole = wholeOf(column, value)
  if (BigInt.asIntN(bits, whole) !== whole) throw misfit(column, value, rangeOf(bits))
  return Number(whole)
}

function rangeOf(bits: number): string {
  const limit = 1n << BigInt(bits - 1)
  return `${-limit} to ${limit - 1n} is right`
}

function wholeOf(column: Column, value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'string' && /^[+-]?\d+$/.test(value)) return BigInt(value)
  if (typeof value !== 'number') throw misfit(column, value, wanted)
  if (Number.isSafeInteger(value)) return BigInt(value)
  throw misfit(
    column,
    value,
    Number.isInteger(value)
      ? 'more than a number carries exactly: a bigint or decimal digits as text are right'
      : 'a whole number is right',
  )
}
