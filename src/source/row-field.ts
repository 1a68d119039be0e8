import { z } from 'zod'
import type { RowSchema } from '../define/row-schema.ts'
import { ValueError } from '../files/value-error.ts'

/** What a field of a row becomes; `any`: whatever the source's own default for the column is. */
export type FieldKind = 'bigint' | 'int' | 'number' | 'string' | 'date' | 'boolean' | 'any'

/** How a kind is declared, for messages. */
export const declaration: Readonly<Record<FieldKind, string>> = {
  bigint: 'z.bigint()',
  int: 'z.int()',
  number: 'z.number()',
  string: 'z.string()',
  date: 'z.date()',
  boolean: 'z.boolean()',
  any: 'z.unknown()',
}

/** What a null becomes; `refused` when the schema takes neither null nor undefined. */
export type Absent = { readonly value: unknown } | 'refused'

/** One field of a row schema, as far as it can be read ahead of any row. */
export interface RowField {
  readonly name: string
  readonly kind: FieldKind
  readonly absent: Absent
  /** Checks a value after its conversion and gives what it becomes; null when the kind says all there is to say. */
  readonly refine: ((value: unknown) => z.ZodSafeParseResult<unknown>) | null
}

/** The fields of a zod object in their order; null for any other schema, whose fields cannot be known ahead. */
export function rowFields(schema: RowSchema<unknown>): readonly RowField[] | null {
  if (!(schema instanceof z.core.$ZodObject)) return null
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema._zod.def.shape
  return Object.entries(shape).map(([name, field]) => rowField(name, field))
}

/** How rows of a schema are made: field by field, and where the schema has to see them as a whole, also by it. */
export interface RowReading {
  /** Null: not known ahead. */
  readonly fields: readonly RowField[] | null
  readonly validates: boolean
}

export function readingOf(schema: RowSchema<unknown>): RowReading {
  const fields = rowFields(schema)
  const validates = fields === null || hasObjectRules(schema)
  return { fields: validates ? (fields?.map((field) => ({ ...field, refine: null })) ?? null) : fields, validates }
}

/** The field of a column about which the schema says nothing ahead. */
export const anyField = (name: string): RowField => ({ name, kind: 'any', absent: { value: null }, refine: null })

/** True when the object has rules of its own, beyond those of its fields. */
export function hasObjectRules(schema: RowSchema<unknown>): boolean {
  return schema instanceof z.core.$ZodObject && (schema._zod.def.checks?.length ?? 0) > 0
}

/** A conversion, and then what else the schema says of the field. Throws ValueError with it. */
export function refined<Value>(
  convert: (value: Value) => unknown,
  refine: RowField['refine'],
): (value: Value) => unknown {
  if (refine === null) return convert
  return (value) => {
    const result = refine(convert(value))
    if (result.success) return result.data
    throw new ValueError(`is refused by the schema: ${result.error.issues.map((issue) => issue.message).join('; ')}`)
  }
}

/** What becomes of a member of parsed JSON, which may be missing. Throws ValueError for one that does not fit. */
export function jsonField(
  { absent, refine }: RowField,
  convert: (value: unknown) => unknown,
): (value: unknown) => unknown {
  const present = refined(convert, refine)
  return (value) => {
    if (value !== null && value !== undefined) return present(value)
    if (absent !== 'refused') return absent.value
    throw new ValueError(value === null ? 'is null' : 'is missing')
  }
}

function rowField(name: string, field: z.core.$ZodType): RowField {
  const inner = unwrapped(field)
  const kind = kindOf(inner)
  const plain = kind !== 'any' && isPlain(inner)
  return { name, kind, absent: absentOf(field), refine: plain ? null : (value) => z.safeParse(inner, value) }
}

function absentOf(field: z.core.$ZodType): Absent {
  for (const nothing of [null, undefined]) {
    const result = z.safeParse(field, nothing)
    if (result.success) return { value: result.data }
  }
  return 'refused'
}

function unwrapped(field: z.core.$ZodType): z.core.$ZodType {
  let inner = field
  while (
    inner instanceof z.core.$ZodNullable ||
    inner instanceof z.core.$ZodOptional ||
    inner instanceof z.core.$ZodReadonly
  )
    inner = inner._zod.def.innerType
  return inner
}

function kindOf(field: z.core.$ZodType): FieldKind {
  if (field instanceof z.core.$ZodNumber) return isWhole(field) ? 'int' : (coerced(field) ?? 'number')
  if (field instanceof z.core.$ZodBigInt) return coerced(field) ?? 'bigint'
  if (field instanceof z.core.$ZodString) return coerced(field) ?? 'string'
  if (field instanceof z.core.$ZodDate) return coerced(field) ?? 'date'
  if (field instanceof z.core.$ZodBoolean) return coerced(field) ?? 'boolean'
  if (field instanceof z.core.$ZodEnum) return Object.values(field._zod.def.entries).every(isText) ? 'string' : 'any'
  if (field instanceof z.core.$ZodLiteral) return field._zod.def.values.every(isText) ? 'string' : 'any'
  return 'any'
}

/** A schema that coerces takes any value, so the source's default goes in. */
const coerced = (field: {
  readonly _zod: { readonly def: { readonly coerce?: boolean | undefined } }
}): 'any' | null => (field._zod.def.coerce === true ? 'any' : null)

const isWhole = (field: z.core.$ZodNumber): boolean =>
  field instanceof z.core.$ZodNumberFormat && !field._zod.def.format.startsWith('float')

const isText = (value: unknown): boolean => typeof value === 'string'

/** True when a value of the kind always satisfies the field. */
function isPlain(field: z.core.$ZodType): boolean {
  if ((field._zod.def.checks?.length ?? 0) > 0) return false
  if (field instanceof z.core.$ZodEnum || field instanceof z.core.$ZodLiteral) return false
  if (field instanceof z.core.$ZodNumberFormat) return field._zod.def.format === 'safeint'
  return !(field instanceof z.core.$ZodStringFormat || field instanceof z.core.$ZodBigIntFormat)
}
