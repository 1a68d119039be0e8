import { z } from 'zod'

/** A whole number of any size, as decimal digits: int8 keys exceed what a JSON number carries exactly. */
export const DecimalInteger = z.string().regex(/^-?(0|[1-9][0-9]*)$/, 'must be a whole number in decimal digits')

/**
 * What a partition's bounds count in, and so how two bounds compare.
 * `integer`: positions of rows in files or of offsets in a topic, or integer keys. `time`: instants.
 */
export const KeyKind = z.enum(['integer', 'time'])
export type KeyKind = z.infer<typeof KeyKind>

/** Half-open range [from, to) of the source, both ends finite, in the text form of its key kind. */
export const KeyRange = z.object({ kind: KeyKind, from: z.string().max(64), to: z.string().max(64) })
export type KeyRange = z.infer<typeof KeyRange>

/**
 * Position of the last row handled, in the source's order; reading resumes after it. Opaque to all but the source
 * that gave it. At most 512 characters, or offset metadata could not carry a window of them.
 */
export const Cursor = z.string().min(1).max(512)
export type Cursor = z.infer<typeof Cursor>

/** Bounds of the same kind compared: negative when `a` comes first. Throws RangeError on a bound that is not of the kind. */
export function compareBounds(kind: KeyKind, a: string, b: string): number {
  const [left, right] = [boundValue(kind, a), boundValue(kind, b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** A bound as one number that orders: the integer itself, or microseconds since 1970. */
export function boundValue(kind: KeyKind, bound: string): bigint {
  switch (kind) {
    case 'integer':
      if (!DecimalInteger.safeParse(bound).success) throw new RangeError(`"${bound}" is not a whole number`)
      return BigInt(bound)
    case 'time':
      return instantToMicros(bound)
  }
}

/** The bound of a number that `boundValue` gave. */
export function boundText(kind: KeyKind, value: bigint): string {
  return kind === 'time' ? microsToInstant(value) : value.toString()
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
