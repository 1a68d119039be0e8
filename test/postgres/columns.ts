import type { Column } from '../../src/postgres/column.ts'
import { columnTypes } from '../../src/postgres/column-encoder.ts'

/** A column as the catalogue would describe it. */
export function column(name: string, type: string, more: Partial<Column> = {}): Column {
  const found = Object.entries(columnTypes).find(([, { name: known }]) => known === type)
  return {
    name,
    type,
    typeOid: Number(found?.[0] ?? 0),
    typmod: -1,
    notNull: false,
    hasDefault: false,
    generated: false,
    identity: false,
    deterministic: true,
    ...more,
  }
}

/** The type modifier of numeric(precision, scale), as the server codes it. */
export const numericLimits = (precision: number, scale: number): number => ((precision << 16) | (scale & 0x7ff)) + 4
