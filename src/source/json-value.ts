import { ValueError } from '../files/value-error.ts'
import { dateOfText } from './instant-text.ts'
import { type FieldKind, jsonField, type RowField } from './row-field.ts'
import { shortened } from './shortened.ts'

/**
 * A JSON text in which whole numbers that a number does not hold exactly are bigints. Their digits are had from the text,
 * which only a reviver sees, so it is asked only where a number may be so long.
 */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source ?? '')
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}

/** What becomes of the value of a field; undefined: there is none. Throws ValueError for one that does not fit. */
export const fromJson = (field: RowField): ((value: unknown) => unknown) => jsonField(field, conversions[field.kind])

const conversions: Readonly<Record<FieldKind, (value: unknown) => unknown>> = {
  any: (value) => value,
  string: (value) => {
    if (typeof value === 'string') return value
    throw misfit(value, 'text')
  },
  bigint: (value) => {
    if (typeof value === 'bigint') return value
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
    if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value)
    throw misfit(value, 'whole number in digits')
  },
  int: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value
    throw misfit(value, 'whole number that a number holds exactly: use z.bigint() or z.number()')
  },
  number: (value) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw misfit(value, typeof value === 'bigint' ? 'number that is held exactly: use z.bigint()' : 'number')
  },
  boolean: (value) => {
    if (typeof value === 'boolean') return value
    throw misfit(value, 'boolean')
  },
  date: (value) => {
    if (typeof value === 'string') return dateOfText(value)
    throw misfit(value, 'date such as "2026-01-31T00:00:00Z"')
  },
}

const misfit = (value: unknown, wanted: string): ValueError =>
  new ValueError(`is ${shown(value)}, which is no ${wanted}`)

function shown(value: unknown): string {
  if (typeof value === 'string') return shortened(value)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return `${value}`
  return Array.isArray(value) ? 'an array' : 'an object'
}
