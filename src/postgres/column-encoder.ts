import type { Column, Encode } from './column.ts'
import { encodeBytea, encodeUuid } from './encode-bytes.ts'
import { encodeFloat4, encodeFloat8 } from './encode-float.ts'
import { encodeBool, encodeInt2, encodeInt4, encodeInt8 } from './encode-integer.ts'
import { encodeJson } from './encode-json.ts'
import { encodeNumeric } from './encode-numeric.ts'
import { encodeText } from './encode-text.ts'
import { encodeDate, encodeTimestamp } from './encode-time.ts'

/** The types that can be written and hashed, by the number each has in every Postgres. */
export const columnTypes = {
  16: { name: 'bool', hashedAsText: false, encode: encodeBool },
  17: { name: 'bytea', hashedAsText: false, encode: encodeBytea },
  20: { name: 'int8', hashedAsText: false, encode: encodeInt8 },
  21: { name: 'int2', hashedAsText: false, encode: encodeInt2 },
  23: { name: 'int4', hashedAsText: false, encode: encodeInt4 },
  25: { name: 'text', hashedAsText: false, encode: encodeText },
  114: { name: 'json', hashedAsText: true, encode: (column) => encodeJson(column, false) },
  700: { name: 'float4', hashedAsText: false, encode: encodeFloat4 },
  701: { name: 'float8', hashedAsText: false, encode: encodeFloat8 },
  1043: { name: 'varchar', hashedAsText: false, encode: encodeText },
  1082: { name: 'date', hashedAsText: false, encode: encodeDate },
  1114: { name: 'timestamp', hashedAsText: false, encode: (column) => encodeTimestamp(column, false) },
  1184: { name: 'timestamptz', hashedAsText: false, encode: (column) => encodeTimestamp(column, true) },
  1700: { name: 'numeric', hashedAsText: false, encode: encodeNumeric },
  2950: { name: 'uuid', hashedAsText: false, encode: encodeUuid },
  3802: { name: 'jsonb', hashedAsText: true, encode: (column) => encodeJson(column, true) },
} as const satisfies Record<number, ColumnType>

export interface ColumnType {
  readonly name: string
  /** The type has no hash of its own that both sides could take: `column::text` is hashed. */
  readonly hashedAsText: boolean
  readonly encode: (column: Column) => Encode
}

const byOid: ReadonlyMap<number, ColumnType> = new Map(
  Object.entries(columnTypes).map(([oid, type]) => [Number(oid), type]),
)

/** Undefined when values of the column can neither be written nor hashed. */
export const columnTypeOf = (column: Pick<Column, 'typeOid' | 'deterministic'>): ColumnType | undefined =>
  column.deterministic ? byOid.get(column.typeOid) : undefined

/** The names of all of them, for a message. */
export const columnTypeNames: string = Object.values(columnTypes)
  .map(({ name }) => name)
  .join(', ')
