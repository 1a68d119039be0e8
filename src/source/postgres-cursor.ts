import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { Cursor } from '../contract/range.ts'

/** Place of a row in the order of partition column and key; `key` is null where the column is the key. */
export interface RowPlace {
  /** In the text form of the key kind. */
  readonly value: string
  /** The key as the server's text. */
  readonly key: string | null
}

const Pair = z.tuple([z.string(), z.string()])

/** Decimal digits where the partition column is the key, else a JSON array of value and key. */
export function writeCursor({ value, key }: RowPlace): Cursor {
  const cursor = Cursor.safeParse(key === null ? value : JSON.stringify([value, key]))
  if (cursor.success) return cursor.data
  throw new TerminalError(
    'SOURCE_NOT_READABLE',
    `the key of a row is ${key?.length} characters long, too long for a checkpoint: take a shorter unique column as key`,
  )
}

export function readCursor(cursor: Cursor): RowPlace {
  if (!cursor.startsWith('[')) return { value: cursor, key: null }
  const [value, key] = Pair.parse(JSON.parse(cursor))
  return { value, key }
}
