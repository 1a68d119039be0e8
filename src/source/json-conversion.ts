import { ValueError } from '../files/value-error.ts'
import { type Moment, parseInstant } from '../postgres/parse-instant.ts'
import { declaration, jsonField, type RowField } from './row-field.ts'

const longestShown = 100

/** What a value of parsed JSON becomes in a field. Throws ValueError when it does not fit. */
export const jsonConversionOf = (field: RowField): ((value: unknown) => unknown) => jsonField(field, converterOf(field))

function converterOf({ kind }: RowField): (value: unknown) => unknown {
  const fitting = (fits: (value: unknown) => boolean) => (value: unknown) => {
    if (fits(value)) return value
    throw new ValueError(`is ${shown(value)}, which ${declaration[kind]} does not take`)
  }
  switch (kind) {
    case 'any':
      return (value) => value
    case 'bigint':
      return wholeNumber
    case 'date':
      return instant
    case 'int':
      return fitting(Number.isSafeInteger)
    case 'number':
    case 'string':
    case 'boolean':
      return fitting((value) => typeof value === kind)
  }
}

function wholeNumber(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  const isWhole = Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
  if (!isWhole) throw new ValueError(`is ${shown(value)}, which is no whole number`)
  return BigInt(value as number | string)
}

function instant(value: unknown): Date {
  const moment: Moment = { ms: 0, micros: 0, zoned: false }
  if (typeof value === 'string' && parseInstant(value, moment) && moment.zoned) return new Date(moment.ms)
  if (Number.isInteger(value) && Math.abs(Number(value)) <= 8.64e15) return new Date(Number(value))
  throw new ValueError(`is ${shown(value)}, which is no instant with its zone and no milliseconds since 1970`)
}

/**
 * The value of a JSON text. Whole numbers beyond 2^53 would be rounded: where `exact` names their member they come as
 * bigints. Throws SyntaxError.
 */
export function parseJson(text: string, exact: ReadonlySet<string>): unknown {
  if (exact.size === 0) return JSON.parse(text)
  // The source of a number is the third argument on Node 22 and later; the types do not know it yet.
  return JSON.parse(text, (key: string, value: unknown, ...[context]: { readonly source?: string }[]) =>
    typeof value === 'number' && exact.has(key) && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? '')
      : value,
  )
}

function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
  return text.length <= longestShown ? text : `${text.slice(0, longestShown)}…`
}
