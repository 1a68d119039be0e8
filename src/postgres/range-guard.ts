// The partition's range, looked at when a row is encoded: a row beyond it would be deleted by the partition it falls
// into, or be written twice, and nobody would hear of it until the run is certified.
import { boundText, boundValue, type NumberedKind } from '../contract/range.ts'
import { RowError } from '../sink/sink.ts'
import { type Column, type Encode, shown } from './column.ts'
import { columnTypeOf } from './column-encoder.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import { plainDecimal } from './plain-decimal.ts'

/** Half-open, in the text form of its kind. */
export interface GuardedRange {
  readonly kind: NumberedKind
  readonly from: string
  readonly to: string
}

type IsWithin = (out: GrowingBytes, value: unknown) => boolean

/** An encoder that refuses values outside the range: RowError, before anything counts. */
export function guarded(column: Column, encode: Encode, range: GuardedRange): Encode {
  const isWithin = guardOf(column, range)
  return (out, value) => {
    encode(out, value)
    if (isWithin(out, value)) return
    throw new RowError(
      `column "${column.name}" is ${shown(value)}, outside of the partition's range from ${range.from} to before ${range.to}: ` +
        "the column that the sink names as its range holds the source's partition key unchanged",
    )
  }
}

const microsPerDay = 86_400_000_000n
const epoch2000 = boundValue('time', '2000-01-01T00:00:00Z')

/** What was encoded last stands at the end of `out`; most types are compared there, as the server will see them. */
function guardOf(column: Column, { kind, from, to }: GuardedRange): IsWithin {
  const [first, end] = [boundValue(kind, from), boundValue(kind, to)]
  switch (columnTypeOf(column)?.name) {
    case 'int2':
      return within16(first, end)
    case 'int4':
      return within32(first, end)
    case 'int8':
      return within64(first, end)
    case 'timestamp':
    case 'timestamptz':
      return within64(first - epoch2000, end - epoch2000)
    case 'date':
      return within32(ceilDiv(first - epoch2000, microsPerDay), ceilDiv(end - epoch2000, microsPerDay))
    case 'uuid':
      return withinBytes(bytesOf(first), end > lastUuid ? null : bytesOf(end))
    case 'numeric':
      return (_out, value) => {
        const whole = wholePart(String(value))
        return whole !== undefined && whole >= first && whole < end
      }
    default:
      throw new TypeError(`column "${column.name}" is ${column.type}, which no range of kind ${kind} can be of`)
  }
}

function within16(first: bigint, end: bigint): IsWithin {
  const [low, high] = [Number(first), Number(end)]
  return ({ view, length }) => {
    const value = view.getInt16(length - 2)
    return value >= low && value < high
  }
}

function within32(first: bigint, end: bigint): IsWithin {
  const [low, high] = [Number(first), Number(end)]
  return ({ view, length }) => {
    const value = view.getInt32(length - 4)
    return value >= low && value < high
  }
}

const [leastInt8, mostInt8] = [-(2n ** 63n), 2n ** 63n - 1n]

/** In two words, for a bigint a row costs more than encoding it. */
function within64(first: bigint, end: bigint): IsWithin {
  const [least, most] = [first < leastInt8 ? leastInt8 : first, end - 1n > mostInt8 ? mostInt8 : end - 1n]
  if (least > most) return () => false
  const [leastHigh, leastLow] = [Number(least >> 32n), Number(BigInt.asUintN(32, least))]
  const [mostHigh, mostLow] = [Number(most >> 32n), Number(BigInt.asUintN(32, most))]
  return ({ view, length }) => {
    const high = view.getInt32(length - 8)
    if (high < leastHigh || high > mostHigh) return false
    if (high > leastHigh && high < mostHigh) return true
    const low = view.getUint32(length - 4)
    return (high > leastHigh || low >= leastLow) && (high < mostHigh || low <= mostLow)
  }
}

const uuidBytes = 16
const lastUuid = 2n ** 128n - 1n

function withinBytes(first: Buffer, end: Buffer | null): IsWithin {
  return ({ bytes, length }) => {
    const compare = (bound: Buffer): number => bytes.compare(bound, 0, uuidBytes, length - uuidBytes, length)
    return compare(first) >= 0 && (end === null || compare(end) < 0)
  }
}

const bytesOf = (value: bigint): Buffer => Buffer.from(boundText('uuid', value).replaceAll('-', ''), 'hex')

/** Rounded down; undefined for what is no number, such as NaN. */
function wholePart(text: string): bigint | undefined {
  const decimal = plainDecimal(text)
  if (decimal === undefined) return undefined
  const whole = BigInt(decimal.whole === '' ? '0' : decimal.whole)
  if (!decimal.negative) return whole
  return /[1-9]/.test(decimal.fraction) ? -whole - 1n : -whole
}

const ceilDiv = (value: bigint, by: bigint): bigint => {
  const quotient = value / by
  return value % by > 0n ? quotient + 1n : quotient
}
