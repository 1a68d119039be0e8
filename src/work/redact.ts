import type { AnyRow } from '../define/row-schema.ts'

export const redacted = '[redacted]'
const rowTextLimit = 8_192

/** A row as JSON text, cut at 8 KiB, without the values of the columns named, wherever in it they stand. Total: never throws. */
export function rowText(row: AnyRow, redact: readonly string[]): string {
  let text: string
  try {
    text = JSON.stringify(row, (key, value: unknown) =>
      redact.includes(key) ? redacted : typeof value === 'bigint' ? value.toString() : value,
    )
  } catch (error) {
    // A circle, or a toJSON that throws.
    text = JSON.stringify(`a row that is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  return text.length <= rowTextLimit ? text : text.slice(0, rowTextLimit)
}

/**
 * A message about rows without the values of their columns named, whole or cut short: messages write them as text or as
 * JSON, and only the beginning of long ones.
 */
export function redactedMessage(message: string, rows: readonly AnyRow[], redact: readonly string[]): string {
  if (redact.length === 0) return message
  const texts = rows.flatMap((row) => redact.flatMap((column) => textsOf(row[column])))
  // The longest first: one may be part of another.
  return texts.sort((a, b) => b.length - a.length).reduce(without, message)
}

/** From this length on the beginning of a value gives it away. */
const tellingCharacters = 12

function without(message: string, value: string): string {
  const beginning = value.slice(0, tellingCharacters)
  let text = message
  for (let at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, at + redacted.length)) {
    let end = at + beginning.length
    while (end - at < value.length && text[end] === value[end - at]) end += 1
    text = `${text.slice(0, at)}${redacted}${text.slice(end)}`
  }
  return text
}

/**
 * A message that may tell of values without their row, as a source's do: what follows a column named is left out.
 * `column "email" is not a number: got …` becomes `column "email" [redacted]`.
 */
export function withoutValues(message: string, redact: readonly string[]): string {
  const ends = redact.flatMap((column) => {
    const named = `column "${column}"`
    const at = message.indexOf(named)
    return at < 0 ? [] : [at + named.length]
  })
  return ends.length === 0 ? message : `${message.slice(0, Math.min(...ends))} ${redacted}`
}

function textsOf(value: unknown): string[] {
  if (value === null || value === undefined) return []
  const texts: string[] = []
  if (typeof value === 'string') texts.push(value, JSON.stringify(value).slice(1, -1))
  else if (value instanceof Date && !Number.isNaN(value.getTime())) texts.push(value.toString(), value.toISOString())
  else if (typeof value === 'object') texts.push(rowText(value as AnyRow, []))
  else if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') texts.push(`${value}`)
  return texts.filter((text) => text !== '')
}
