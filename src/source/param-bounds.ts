import { Temporal } from 'temporal-polyfill'
import { messageOf, TerminalError } from '../contract/errors.ts'
import { boundText, boundValue, microsToInstant, type NumberedKind } from '../contract/range.ts'
import type { BoundParams } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { type Moment, parseInstant } from '../postgres/parse-instant.ts'

/**
 * The bounds that a request's params give, in the text form of their kind. A date without time begins in the time
 * zone. Throws TerminalError (PARAMS_INVALID) naming each field, its value and what would be right.
 */
export function paramBounds(
  kind: NumberedKind,
  names: BoundParams<string>,
  params: AnyRow,
  timezone: string,
): { from: string; to: string } {
  const reasons: string[] = []
  const read = (name: string): string => {
    try {
      return boundOf(kind, params[name], timezone)
    } catch (error) {
      reasons.push(`params.${name} is ${shown(params[name])}: ${messageOf(error)}`)
      return ''
    }
  }
  const [from, to] = [read(names.from), read(names.to)]
  if (reasons.length === 0 && boundValue(kind, from) >= boundValue(kind, to))
    reasons.push(
      `params.${names.from} is ${from} and params.${names.to} is ${to}: the first must come before the second`,
    )
  if (reasons.length > 0) throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons })
  return { from, to }
}

function boundOf(kind: NumberedKind, value: unknown, timezone: string): string {
  switch (kind) {
    case 'time':
      return instantOf(value, timezone)
    case 'integer':
      return integerOf(value)
    case 'uuid':
      return boundText(kind, boundValue(kind, String(value)))
  }
}

function integerOf(value: unknown): string {
  const text = typeof value === 'string' ? value : String(value)
  const isInteger =
    typeof value === 'bigint' || Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
  if (!isInteger) throw new RangeError('must be a whole number, as digits where it exceeds 2^53')
  return BigInt(text).toString()
}

function instantOf(value: unknown, timezone: string): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return microsToInstant(BigInt(value.getTime()) * 1000n)
  const moment: Moment = { ms: 0, micros: 0, zoned: false }
  if (typeof value === 'string') {
    if (/^\d{4}-\d\d-\d\d$/.test(value))
      return microsToInstant(Temporal.PlainDate.from(value).toZonedDateTime(timezone).epochNanoseconds / 1000n)
    if (parseInstant(value, moment) && moment.zoned)
      return microsToInstant(BigInt(moment.ms) * 1000n + BigInt(moment.micros))
  }
  throw new RangeError('must be a date such as 2026-01-31 or an instant with its zone such as 2026-01-31T00:00:00Z')
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}
