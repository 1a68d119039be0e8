import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { Cursor } from '../contract/range.ts'

const Values = z.array(z.string()).min(1)

/** The values of a row's terms. A whole number that is the only one: its digits, else a JSON array. */
export function writeCursor(values: readonly string[]): Cursor {
  const [first = ''] = values
  const isNumber = values.length === 1 && /^-?\d+$/.test(first)
  const cursor = Cursor.safeParse(isNumber ? first : JSON.stringify(values))
  if (cursor.success) return cursor.data
  throw new TerminalError(
    'SOURCE_NOT_READABLE',
    `the key of a row is ${values.join().length} characters long, too long for a checkpoint: take a shorter unique column as key`,
  )
}

export function readCursor(cursor: Cursor): readonly string[] {
  return cursor.startsWith('[') ? Values.parse(JSON.parse(cursor)) : [cursor]
}
