import { notText } from './encode-text.ts'
import { plainDecimal, plainText } from './plain-decimal.ts'

/** A value that JSON, or Postgres, cannot hold; the message says which and where. */
export class NotJson extends Error {
  override readonly name = 'NotJson'
}

/**
 * JSON text of a value, spelled as `jsonb::text` spells it: keys by length and then by bytes, `, ` and `: ` between,
 * numbers without exponent. So the text that is sent is the text that stands in the table, and hashes alike. With
 * `ordered` false (json, which stores the text itself) keys stay in their order.
 */
export function jsonText(value: unknown, ordered: boolean, place = ''): string {
  switch (typeof value) {
    case 'string': {
      const why = notText(value)
      if (why !== '') throw new NotJson(`${why}${at(place)}`)
      return JSON.stringify(value)
    }
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return value.toString()
    case 'number': {
      const number = Number.isFinite(value) ? plainDecimal(String(value)) : undefined
      if (number === undefined) throw new NotJson(`a finite number is right${at(place)}`)
      return plainText(number)
    }
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value))
        return `[${value.map((item: unknown, i) => jsonText(item === undefined ? null : item, ordered, `${place}[${i}]`)).join(', ')}]`
      if (saysItsJson(value)) return jsonText(value.toJSON(), ordered, place)
      return objectText(value, ordered, place)
    default:
      throw new NotJson(`JSON is right (a ${typeof value} is none)${at(place)}`)
  }
}

function objectText(value: object, ordered: boolean, place: string): string {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  if (ordered && entries.length > 1) entries.sort(([a], [b]) => compareKeys(a, b))
  return `{${entries.map(([key, item]) => `${jsonText(key, ordered, place)}: ${jsonText(item, ordered, `${place}.${key}`)}`).join(', ')}}`
}

/** The order of keys in jsonb: the shorter in bytes first, then by bytes. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length - right.length || left.compare(right)
}

const saysItsJson = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function'

const at = (place: string): string => (place === '' ? '' : ` at ${place}`)
