import { RowError } from '../sink/sink.ts'
import type { GrowingBytes } from './growing-bytes.ts'

/** A column of a table as the server's catalogue describes it. */
export interface Column {
  readonly name: string
  /** As a person writes it: `numeric(12,2)`. */
  readonly type: string
  readonly typeOid: number
  /** Length, precision or scale in the server's own coding; −1: none. */
  readonly typmod: number
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** Computed by the server from other columns: cannot be written. */
  readonly generated: boolean
  /** Numbered by the server when nothing is given. */
  readonly identity: boolean
  /** False for a collation under which different bytes are equal. */
  readonly deterministic: boolean
}

/**
 * Appends a value that is not null as COPY BINARY wants it, length first, and leaves its hash in `hashed`.
 * Throws RowError before anything is appended that counts.
 */
export type Encode = (out: GrowingBytes, value: unknown) => void

/** Bytes that a column of fixed width needs at most, its length included. */
export const fixedWidth = 20

export function misfit(column: Pick<Column, 'name' | 'type'>, value: unknown, wanted: string): RowError {
  return new RowError(`column "${column.name}" is ${column.type}: got ${shown(value)}, ${wanted}`)
}

const shownCharacters = 80

/** A value as text for a message. */
export function shown(value: unknown): string {
  const text = textOf(value)
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return `${value}n`
    case 'string':
      return JSON.stringify(value.slice(0, shownCharacters + 1))
    case 'symbol':
    case 'function':
      return `a ${typeof value}`
    case 'object':
      if (value === null) return 'null'
      if (value instanceof Date)
        return Number.isNaN(value.getTime()) ? 'an invalid Date' : `Date ${value.toISOString()}`
      if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
      try {
        return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
      } catch {
        return 'an object that is no JSON'
      }
    default:
      return String(value)
  }
}
