import { messageOf } from '../contract/errors.ts'
import type { Conversion } from '../files/page-values.ts'
import type { ColumnType, ParquetColumn } from '../files/parquet-column.ts'
import type { RawValue } from '../files/raw-value.ts'
import { ValueError } from '../files/value-error.ts'
import { isoDate, isoTime, isoTimestamp } from './iso-text.ts'
import { decimalText, utf8Text, uuidText } from './parquet-text.ts'
import { type FieldKind, type RowField, refined } from './row-field.ts'

type Convert = (value: RawValue) => unknown
type Plan = Omit<Conversion, 'absent'>

/** How the values of a column that is not nested become the values of a field; null when none of them could. */
export function conversionOf(column: ParquetColumn, field: RowField): Conversion | null {
  const plan = planOf(column.type, field.kind)
  if (plan === null) return null
  const { refine, absent } = field
  if (refine === null) return { ...plan, absent }
  const { convert, finish } = plan
  // The schema has to see what the row will get, and may give back an object that rows must not share.
  return {
    convert: refined(finish === null ? convert : (value: RawValue) => finish(convert(value)), refine),
    shared: plan.shared && finish === null,
    finish: null,
    absent,
  }
}

/** The same of a nested column, whose values are checked only. */
export function nestedConversionOf({ absent, refine }: RowField): (value: unknown) => unknown {
  const convert = refined((value: unknown) => value, refine)
  return (value) => {
    if (value !== null && value !== undefined) return convert(value)
    if (absent === 'refused') throw new ValueError('is null')
    return absent.value
  }
}

/** The kinds of field a column can become, for messages. */
export function kindsFor(type: ColumnType): readonly FieldKind[] {
  const kinds: readonly FieldKind[] = ['bigint', 'int', 'number', 'string', 'date', 'boolean']
  return kinds.filter((kind) => planOf(type, kind) !== null)
}

/** `any` gives: bigint for INT64, number for smaller integers and floats, Date, exact text for decimals, parsed JSON. */
function planOf(type: ColumnType, kind: FieldKind): Plan | null {
  switch (type.kind) {
    case 'integer':
      return integerPlan(type, kind)
    case 'float':
      return floatPlan(kind, number)
    case 'float16':
      return floatPlan(kind, (value) => halfFloat(bytes(value)))
    case 'boolean':
      return kind === 'boolean' || kind === 'any' ? shared((value) => value) : null
    case 'decimal':
      return decimalPlan(type.scale, kind)
    case 'timestamp':
      return timestampPlan(type, kind)
    case 'date':
      return datePlan(kind)
    case 'time':
      return kind === 'string' || kind === 'any' ? shared((value) => isoTime(integer(value), type.perSecond)) : null
    case 'text':
      return kind === 'string' || kind === 'any' ? shared((value) => utf8Text(bytes(value))) : null
    case 'json':
      if (kind === 'string') return shared((value) => utf8Text(bytes(value)))
      return kind === 'any'
        ? made(
            (value) => jsonText(bytes(value)),
            (text): unknown => JSON.parse(String(text)),
          )
        : null
    case 'uuid':
      return kind === 'string' || kind === 'any' ? shared((value) => uuidText(bytes(value))) : null
    case 'binary':
      // Older writers do not say that a column is text: bytes that are valid UTF-8 may be declared so.
      if (kind === 'string') return shared((value) => utf8Text(bytes(value)))
      return kind === 'any' ? { convert: copied, shared: false, finish: null } : null
    case 'nested':
    case 'unsupported':
      return null
  }
}

function integerPlan(type: Extract<ColumnType, { kind: 'integer' }>, kind: FieldKind): Plan | null {
  const signed: Convert = (value) => value
  const wrapped: Convert = (value) => (Number(value) < 0 ? BigInt.asUintN(type.bits, integer(value)) : value)
  const read = type.signed ? signed : wrapped
  switch (kind) {
    case 'bigint':
      return shared((value) => integer(read(value)))
    case 'int':
    case 'number':
      return shared((value) => wholeNumber(read(value)))
    case 'any':
      return type.bits === 64 ? shared((value) => integer(read(value))) : shared((value) => Number(read(value)))
    default:
      return null
  }
}

function floatPlan(kind: FieldKind, read: (value: RawValue) => number): Plan | null {
  if (kind === 'any') return shared(read)
  if (kind === 'int') return shared((value) => wholeNumber(read(value)))
  if (kind !== 'number') return null
  return shared((value) => {
    const float = read(value)
    if (Number.isFinite(float)) return float
    throw new ValueError(`is ${float}, which z.number() does not take`)
  })
}

function decimalPlan(scale: number, kind: FieldKind): Plan | null {
  const text = (value: RawValue): string => decimalText(unscaled(value), scale)
  if (kind === 'string' || kind === 'any') return shared(text)
  if (kind === 'number') return shared((value) => Number(text(value)))
  if (kind === 'int') return shared((value) => wholeNumber(Number(text(value))))
  return kind === 'bigint' && scale === 0 ? shared(unscaled) : null
}

/** A timestamp that is no instant (not adjusted to UTC) is taken as if its clock stood in UTC. */
function timestampPlan({ perSecond, utc }: { perSecond: bigint; utc: boolean }, kind: FieldKind): Plan | null {
  switch (kind) {
    case 'date':
    case 'any': {
      const perMillisecond = Number(perSecond / 1000n)
      return dates((value) =>
        milliseconds(
          typeof value === 'number' ? value / perMillisecond : Number(floorDivide(integer(value), perSecond / 1000n)),
        ),
      )
    }
    case 'bigint':
      return shared((value) => {
        const units = integer(value)
        return perSecond > 1_000_000n ? floorDivide(units, perSecond / 1_000_000n) : units * (1_000_000n / perSecond)
      })
    case 'string':
      return shared((value) => isoTimestamp(integer(value), perSecond, utc))
    default:
      return null
  }
}

function datePlan(kind: FieldKind): Plan | null {
  if (kind === 'date' || kind === 'any') return dates((value) => milliseconds(number(value) * 86_400_000))
  return kind === 'string' ? shared((value) => isoDate(number(value))) : null
}

const shared = (convert: Convert): Plan => ({ convert, shared: true, finish: null })
const made = (convert: Convert, finish: (converted: unknown) => unknown): Plan => ({ convert, shared: true, finish })
/** Kept as milliseconds; each row gets a date of its own, for dates can be changed. */
const dates = (convert: (value: RawValue) => number): Plan => made(convert, (at) => new Date(Number(at)))

function milliseconds(since1970: number): number {
  const whole = Math.floor(since1970)
  if (Math.abs(whole) <= 8.64e15) return whole
  throw new ValueError(`is ${since1970} ms from 1970, which no Date can hold`)
}

const copied = (value: RawValue): Uint8Array => Uint8Array.from(bytes(value))

function jsonText(value: Buffer): string {
  const text = utf8Text(value)
  try {
    JSON.parse(text)
  } catch (error) {
    throw new ValueError(`is no JSON: ${messageOf(error)}`)
  }
  return text
}

function wholeNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new ValueError(
    `is ${String(value)}, which is no whole number that a number holds exactly: use z.bigint() or z.number()`,
  )
}

function integer(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return BigInt(value)
  throw new ValueError(`is ${String(value)}, not an integer`)
}

function number(value: RawValue): number {
  return Number(value)
}

function bytes(value: RawValue): Buffer {
  if (Buffer.isBuffer(value)) return value
  throw new ValueError(`is ${String(value)}, not bytes`)
}

/** The whole number of a decimal: INT32, INT64, or big-endian two's complement. */
function unscaled(value: RawValue): bigint {
  if (!Buffer.isBuffer(value)) return integer(value)
  return value.length === 0 ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${value.toString('hex')}`))
}

/** IEEE 754 binary16. */
function halfFloat(value: Buffer): number {
  const bits = value.readUInt16LE(0)
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b < 0n ? quotient - 1n : quotient
}
