import { type Column, type Encode, misfit } from './column.ts'
import { writeInt8 } from './encode-integer.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import { hashInteger } from './lookup3.ts'
import { type Moment, parseDay, parseInstant } from './parse-instant.ts'

// Postgres counts from 2000-01-01.
const epochMs = 946_684_800_000
const epochDays = 10_957
const earliestMs = -211_813_488_000_000
const endMs = 9_223_371_331_200_000
const earliestDay = -2_451_545
const endDay = 2_145_031_949

/**
 * timestamp and timestamptz, in UTC, from a Date, RFC 3339 text (microseconds kept) or a bigint of microseconds since
 * 1970. Rounded to the column's precision as the server does.
 */
export function encodeTimestamp(column: Column, zoned: boolean): Encode {
  const moment: Moment = { ms: 0, micros: 0, zoned: true }
  const wanted = `a Date, RFC 3339 text${zoned ? ' with its offset' : ''} such as 2026-01-31T23:59:59.123456Z or a bigint of microseconds since 1970 are right`
  const unit = column.typmod >= 0 && column.typmod < 6 ? 10 ** (6 - column.typmod) : 1
  return (out, value) => {
    if (value instanceof Date) {
      moment.ms = value.getTime()
      moment.micros = 0
    } else if (typeof value === 'string') {
      if (!parseInstant(value, moment) || (zoned && !moment.zoned)) throw misfit(column, value, wanted)
    } else if (typeof value === 'bigint') {
      const rest = ((value % 1000n) + 1000n) % 1000n
      moment.ms = Number((value - rest) / 1000n)
      moment.micros = Number(rest)
    } else throw misfit(column, value, wanted)
    const ms = moment.ms - epochMs
    // Not a number is not within either.
    if (!(ms >= earliestMs && ms < endMs))
      throw misfit(column, value, 'a time from 4713 BC to the year 294276 is right')
    if (unit === 1) writeMicros(out, ms, moment.micros)
    else writeRounded(out, ms, moment.micros, unit)
  }
}

/** Microseconds as two words, from parts that are exact where their sum would not be. */
function writeMicros(out: GrowingBytes, ms: number, micros: number): void {
  const top = Math.floor(ms / 0x1_0000_0000)
  const bottom = (ms - top * 0x1_0000_0000) * 1000 + micros
  const carry = Math.floor(bottom / 0x1_0000_0000)
  writeInt8(out, top * 1000 + carry, (bottom - carry * 0x1_0000_0000) | 0)
}

/** Half away from the year 2000, which is what `AdjustTimestampForTypmod` does. */
function writeRounded(out: GrowingBytes, ms: number, micros: number, unit: number): void {
  const [exact, step] = [BigInt(ms) * 1000n + BigInt(micros), BigInt(unit)]
  const half = step / 2n
  const rounded = exact >= 0n ? ((exact + half) / step) * step : -(((half - exact) / step) * step)
  writeInt8(out, Number(rounded >> 32n), Number(BigInt.asIntN(32, rounded)))
}

/** date, from YYYY-MM-DD or a Date that is midnight in UTC: another hour would be lost without a word. */
export function encodeDate(column: Column): Encode {
  return (out, value) => {
    let day = Number.NaN
    if (value instanceof Date) day = value.getTime() / 86_400_000
    else if (typeof value === 'string' && value.length === 10) day = parseDay(value)
    if (!Number.isInteger(day))
      throw misfit(column, value, 'text such as 2026-01-31 or a Date at midnight in UTC are right')
    day -= epochDays
    if (day < earliestDay || day >= endDay) throw misfit(column, value, 'a day from 4713 BC on is right')
    const { view, length } = out
    view.setInt32(length, 4)
    view.setInt32(length + 4, day)
    out.length = length + 8
    hashInteger(day)
  }
}
