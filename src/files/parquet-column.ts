import type { SchemaElement, SchemaTree } from 'hyparquet/src/types.js'

/** What a column's values mean, read from the physical and the logical type of the file. */
export type ColumnType =
  | { readonly kind: 'integer'; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'float' | 'float16' | 'boolean' | 'date' | 'text' | 'json' | 'uuid' | 'binary' }
  | { readonly kind: 'decimal'; readonly scale: number }
  /** `perSecond`: units in a second, 1,000 to 1,000,000,000. `utc`: an instant, not the time on a wall clock. */
  | { readonly kind: 'timestamp' | 'time'; readonly perSecond: bigint; readonly utc: boolean }
  /** Lists, maps and structs. */
  | { readonly kind: 'nested' }
  | { readonly kind: 'unsupported' }

export interface ParquetColumn {
  readonly name: string
  readonly type: ColumnType
  /** The type in the words of the file, for messages: "INT64 TIMESTAMP(MICROS)". */
  readonly label: string
  /** Declared so that it cannot hold a null. */
  readonly required: boolean
}

const perSecond = { MILLIS: 1_000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n } as const

export function parquetColumn({ element, children }: SchemaTree): ParquetColumn {
  const nested = children.length > 0 || element.repetition_type === 'REPEATED'
  return {
    name: element.name,
    type: nested ? { kind: 'nested' } : columnType(element),
    label: nested ? 'nested' : labelOf(element),
    required: element.repetition_type === 'REQUIRED',
  }
}

function columnType(element: SchemaElement): ColumnType {
  const { type, converted_type: converted, logical_type: logical } = element
  if (type === undefined) return { kind: 'unsupported' }
  switch (logical?.type) {
    case 'DECIMAL':
      return { kind: 'decimal', scale: logical.scale }
    case 'TIMESTAMP':
      return { kind: 'timestamp', perSecond: perSecond[logical.unit], utc: logical.isAdjustedToUTC }
    case 'TIME':
      return { kind: 'time', perSecond: perSecond[logical.unit], utc: logical.isAdjustedToUTC }
    case 'INTEGER':
      return { kind: 'integer', bits: bitsOf(logical.bitWidth), signed: logical.isSigned }
    case 'STRING':
    case 'ENUM':
      return { kind: 'text' }
    case 'DATE':
      return { kind: 'date' }
    case 'JSON':
      return { kind: 'json' }
    case 'UUID':
      return { kind: 'uuid' }
    case 'FLOAT16':
      return { kind: 'float16' }
    case undefined:
    case 'NULL':
      return convertedType(element, converted)
    default:
      return { kind: 'unsupported' }
  }
}

function convertedType(element: SchemaElement, converted: SchemaElement['converted_type']): ColumnType {
  switch (converted) {
    case 'UTF8':
    case 'ENUM':
      return { kind: 'text' }
    case 'DECIMAL':
      return { kind: 'decimal', scale: element.scale ?? 0 }
    case 'DATE':
      return { kind: 'date' }
    case 'TIME_MILLIS':
      return { kind: 'time', perSecond: perSecond.MILLIS, utc: true }
    case 'TIME_MICROS':
      return { kind: 'time', perSecond: perSecond.MICROS, utc: true }
    case 'TIMESTAMP_MILLIS':
      return { kind: 'timestamp', perSecond: perSecond.MILLIS, utc: true }
    case 'TIMESTAMP_MICROS':
      return { kind: 'timestamp', perSecond: perSecond.MICROS, utc: true }
    case 'UINT_8':
    case 'UINT_16':
    case 'UINT_32':
    case 'UINT_64':
    case 'INT_8':
    case 'INT_16':
    case 'INT_32':
    case 'INT_64':
      return { kind: 'integer', bits: bitsOf(Number(converted.split('_')[1])), signed: converted.startsWith('INT') }
    case 'JSON':
      return { kind: 'json' }
    case undefined:
      return physicalType(element)
    default:
      return { kind: 'unsupported' }
  }
}

function physicalType({ type }: SchemaElement): ColumnType {
  switch (type) {
    case 'BOOLEAN':
      return { kind: 'boolean' }
    case 'INT32':
      return { kind: 'integer', bits: 32, signed: true }
    case 'INT64':
      return { kind: 'integer', bits: 64, signed: true }
    case 'INT96':
      return { kind: 'timestamp', perSecond: perSecond.NANOS, utc: true }
    case 'FLOAT':
    case 'DOUBLE':
      return { kind: 'float' }
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return { kind: 'binary' }
    default:
      return { kind: 'unsupported' }
  }
}

const bitsOf = (bits: number): 8 | 16 | 32 | 64 => (bits === 8 || bits === 16 || bits === 32 ? bits : 64)

function labelOf({ type, converted_type: converted, logical_type: logical }: SchemaElement): string {
  const meaning =
    logical === undefined ? converted : 'unit' in logical ? `${logical.type}(${logical.unit})` : logical.type
  return [type, meaning].filter((part) => part !== undefined).join(' ')
}
