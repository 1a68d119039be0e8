import { ValueError } from '../files/value-error.ts'
import { dateOfText } from './instant-text.ts'
import { type FieldKind, type RowField, refined } from './row-field.ts'
import { shortened } from './shortened.ts'

/** What becomes of a field's text; null: it is empty, and not in quotes. Throws ValueError for one that does not fit. */
export type FromField = (text: string | null) => unknown

/**
 * An empty field is null where the schema takes null, otherwise the empty text. In quotes it is the empty text for fields
 * of text; of other fields it says as little as without.
 */
export function fromField({ kind, absent, refine }: RowField): FromField {
  const isText = kind === 'string' || kind === 'any'
  const convert = refined(conversions[kind], refine)
  return (text) => {
    if (text !== null && (text !== '' || isText)) return convert(text)
    if (absent !== 'refused') return absent.value
    if (isText) return convert('')
    throw new ValueError('is empty')
  }
}

const conversions: Readonly<Record<FieldKind, (text: string) => unknown>> = {
  any: (text) => text,
  string: (text) => text,
  bigint: (text) => {
    if (/^[+-]?\d+$/.test(text)) return BigInt(text)
    throw new ValueError(`is ${shortened(text)}, which is no whole number`)
  },
  int: (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(value)) return value
    throw new ValueError(
      `is ${shortened(text)}, which is no whole number that a number holds exactly: use z.bigint() or z.string()`,
    )
  },
  number: (text) => {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN
    if (Number.isFinite(value)) return value
    throw new ValueError(`is ${shortened(text)}, which is no number`)
  },
  boolean: (text) => {
    const value = booleans.get(text.toLowerCase())
    if (value !== undefined) return value
    throw new ValueError(`is ${shortened(text)}, which is none of true, false, t, f, 1 and 0`)
  },
  date: dateOfText,
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['t', true],
  ['1', true],
  ['false', false],
  ['f', false],
  ['0', false],
])
