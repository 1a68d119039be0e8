import { z } from 'zod'

/** A whole number of any size, as decimal digits: int8 keys exceed what a JSON number carries exactly. */
export const DecimalInteger = z.string().regex(/^-?(0|[1-9][0-9]*)$/, 'must be a whole number in decimal digits')

/** Kinds of bounds that stand for whole numbers, which everybody orders alike, and between which a cut can be computed. */
export const NumberedKind = z.enum(['integer', 'time', 'uuid'])
export type NumberedKind = z.infer<typeof NumberedKind>

/**
 * What a partition's bounds count in, and so how two bounds compare.
 * `integer`: positions of rows or bytes in files or of offsets in a topic, or integer or numeric keys. `time`: instants.
 * `uuid`: as 128-bit numbers. `key`: the values of one or more columns, in an order that only the server knows that holds
 * them.
 */
export const KeyKind = z.enum([...NumberedKind.options, 'key'])
export type KeyKind = z.infer<typeof KeyKind>

/** At most 512 characters, as a cursor: a key is both. */
const Bound = z.string().max(512)

/** Half-open range [from, to) of the source, both ends finite, in the text form of its key kind. */
export const KeyRange = z.object({ kind: KeyKind, from: Bound, to: Bound })
export type KeyRange = z.infer<typeof KeyRange>

/**
 * Position of the last row handled, in the source's order; reading resumes after it. Opaque to all but the source
 * that gave it. At most 512 characters, or offset metadata could not carry a window of them.
 */
export const Cursor = z.string().min(1).max(512)
export type Cursor = z.infer<typeof Cursor>

/** A bound as one number that orders. Throws RangeError on a bound that is not of the kind. */
export function boundValue(kind: NumberedKind, bound: string): bigint {
  switch (kind) {
    case 'integer':
      if (!DecimalInteger.safeParse(bound).success) throw new RangeError(`"${bound}" is not a whole number`)
      return BigInt(bound)
    case 'time':
      return instantToMicros(bound)
    case 'uuid':
      return uuidToNumber(bound)
  }
}

/** The bound of a number that `boundValue` gave. */
export function boundText(kind: NumberedKind, value: bigint): string {
  switch (kind) {
    case 'integer':
      return value.toString()
    case 'time':
      return microsToInstant(value)
    case 'uuid':
      return numberToUuid(value)
  }
}

/**
 * Times are bounded and cut at whole milliseconds: a row whose time passed through a Date has lost what is below, and must
 * not end up in the range of another partition, which empties it.
 */
export const cutUnits = { integer: 1n, time: 1_000n, uuid: 1n } as const satisfies Record<NumberedKind, bigint>

/** The greatest value up to this one at which there may be a bound. */
export function cuttableBelow(kind: NumberedKind, value: bigint): bigint {
  const unit = cutUnits[kind]
  return value - (((value % unit) + unit) % unit)
}

/** True for a range that has no place for a row: of kind `key` such a one has equal ends. */
export function isEmptyRange({ kind, from, to }: KeyRange): boolean {
  return kind === 'key' ? from === to : boundValue(kind, from) >= boundValue(kind, to)
}

/** Microseconds since 1970-01-01T00:00:00Z of an RFC 3339 instant in UTC. Throws RangeError when it is none. */
export function instantToMicros(instant: string): bigint {
  const match = /^(\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(instant)
  const seconds = match?.[1] === undefined ? Number.NaN : Date.parse(`${match[1]}Z`)
  if (Number.isNaN(seconds)) throw new RangeError(`"${instant}" is not an instant in UTC such as 2026-01-31T00:00:00Z`)
  return BigInt(seconds) * 1000n + BigInt((match?.[2] ?? '').padEnd(6, '0'))
}

/** The RFC 3339 instant of microseconds since 1970, without trailing zeros in the fraction. */
export function microsToInstant(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
  return fraction === 0n ? `${seconds}Z` : `${seconds}.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}Z`
}

function uuidToNumber(uuid: string): bigint {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid))
    throw new RangeError(`"${uuid}" is not a UUID such as 018f3a52-0000-7000-8000-000000000000`)
  return BigInt(`0x${uuid.replaceAll('-', '')}`)
}

function numberToUuid(value: bigint): string {
  const digits = value.toString(16).padStart(32, '0')
  if (digits.length > 32 || value < 0n) throw new RangeError(`${value} is no number of a UUID`)
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
