import pg from 'pg'
import { ValueError } from '../files/value-error.ts'
import { isoDate, isoTimestamp } from './iso-text.ts'
import type { TableColumn } from './postgres-catalog.ts'
import { type FieldKind, type RowField, refined } from './row-field.ts'

/** What becomes of a value, which comes as the server's text. Throws ValueError for one that does not fit. */
export type FromText = (text: string) => unknown

/**
 * How a value of the column (an SQL expression) is selected: as it is, or an instant as whole microseconds since 1970,
 * which no setting of the session changes. A timestamp without time zone is taken as if its clock stood in UTC.
 */
export function selected(column: TableColumn, value: string): string {
  return isTime(column) ? `trunc(extract(epoch from ${value}) * 1000000)` : value
}

export const isTime = ({ type }: TableColumn): boolean => ['timestamptz', 'timestamp', 'date'].includes(type)
export const isNumeric = ({ type }: TableColumn): boolean => type === 'numeric'
export const isUuid = ({ type }: TableColumn): boolean => type === 'uuid'
export const isInteger = ({ type }: TableColumn): boolean => ['int2', 'int4', 'int8'].includes(type)

/** The microseconds that `selected` gave for an instant. Throws ValueError for "infinity". */
export function microsOf(text: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text)
  throw new ValueError(`is ${text.toLowerCase()}, which is no instant`)
}

/** How the texts of a column become the values of a field; null when none of them could. */
export function fromText(column: TableColumn, field: RowField): FromText | null {
  const convert = conversionOf(column, field.kind)
  return convert === null ? null : refined(convert, field.refine)
}

/** The kinds of field a column can become, for messages. */
export function kindsFor(column: TableColumn): readonly FieldKind[] {
  const kinds: readonly FieldKind[] = ['bigint', 'int', 'number', 'string', 'date', 'boolean']
  return kinds.filter((kind) => conversionOf(column, kind) !== null)
}

/** `any` gives what `pg` gives, except that times without a zone stand in UTC and not in the zone of the process. */
function conversionOf(column: TableColumn, kind: FieldKind): FromText | null {
  switch (column.type) {
    case 'int2':
    case 'int4':
      return kind === 'any' ? Number : kind === 'string' ? null : integerAs(kind)
    case 'int8':
      return kind === 'any' ? asText : integerAs(kind)
    case 'numeric':
      return kind === 'any' ? asText : kind === 'number' ? finite : integerAs(kind)
    case 'float4':
    case 'float8':
      return kind === 'any' ? Number : kind === 'number' ? finite : kind === 'int' ? whole : null
    case 'bool':
      return kind === 'boolean' || kind === 'any' ? (text) => text === 't' : null
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return instantAs(column.type, kind)
    case 'json':
    case 'jsonb':
      return kind === 'string' ? asText : kind === 'any' ? (text): unknown => JSON.parse(text) : null
    case 'bytea':
      return kind === 'any' ? parserOf(column) : null
    default:
      return kind === 'any' ? parserOf(column) : kind === 'string' ? asText : null
  }
}

const asText: FromText = (text) => text

function parserOf({ oid }: TableColumn): FromText {
  return pg.types.getTypeParser(oid, 'text') as FromText
}

function integerAs(kind: FieldKind): FromText | null {
  switch (kind) {
    case 'bigint':
      return (text) => {
        if (/^-?\d+$/.test(text)) return BigInt(text)
        throw new ValueError(`is ${text}, which is no whole number`)
      }
    case 'int':
    case 'number':
      return whole
    case 'string':
      return asText
    default:
      return null
  }
}

function whole(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new ValueError(`is ${text}, which is no whole number that a number holds exactly: use z.bigint() or z.string()`)
}

function finite(text: string): number {
  const value = Number(text)
  if (Number.isFinite(value)) return value
  throw new ValueError(`is ${text}, which z.number() does not take`)
}

function instantAs(type: string, kind: FieldKind): FromText | null {
  switch (kind) {
    case 'date':
    case 'any':
      return (text) => {
        const date = new Date(Math.floor(Number(text) / 1000))
        if (Number.isNaN(date.getTime())) throw new ValueError(`is ${text.toLowerCase()}, which no Date can hold`)
        return date
      }
    case 'bigint':
      return microsOf
    case 'string':
      return type === 'date'
        ? (text) => isoDate(Number(microsOf(text) / 86_400_000_000n))
        : (text) => isoTimestamp(microsOf(text), 1_000_000n, type === 'timestamptz')
    default:
      return null
  }
}
