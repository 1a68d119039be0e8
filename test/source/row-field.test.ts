import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hasObjectRules, rowFields } from '../../src/source/row-field.ts'

const fieldOf = (field: z.ZodType) => rowFields(z.object({ field }))?.[0]

describe('rowFields', () => {
  it.each([
    [z.bigint(), 'bigint'],
    [z.int(), 'int'],
    [z.number(), 'number'],
    [z.string(), 'string'],
    [z.date(), 'date'],
    [z.boolean(), 'boolean'],
    [z.string().brand('id').describe('an id').readonly(), 'string'],
  ])('needs no check of its own where the kind says all (%#: %s)', (field, kind) => {
    expect(fieldOf(field)).toMatchObject({ kind, refine: null, absent: 'refused' })
  })

  it.each([
    [z.int32(), 'int'],
    [z.number().min(0), 'number'],
    [z.uuid(), 'string'],
    [z.enum(['open', 'paid']), 'string'],
    [z.literal('open'), 'string'],
    [z.int64(), 'bigint'],
    [z.coerce.number(), 'any'],
    [z.union([z.string(), z.number()]), 'any'],
    [z.instanceof(Uint8Array), 'any'],
  ])('checks what the kind leaves open (%#: %s)', (field, kind) => {
    expect(fieldOf(field)).toMatchObject({ kind, refine: expect.any(Function) })
  })

  it('knows what a null becomes', () => {
    expect(fieldOf(z.string().nullable())).toMatchObject({ kind: 'string', absent: { value: null }, refine: null })
    expect(fieldOf(z.string().optional())).toMatchObject({ kind: 'string', absent: { value: undefined } })
    expect(fieldOf(z.string().nullish())).toMatchObject({ absent: { value: null } })
    expect(fieldOf(z.string().default('none'))).toMatchObject({ absent: { value: 'none' } })
  })

  it('knows no fields of another schema', () => {
    expect(rowFields(z.record(z.string(), z.unknown()))).toBeNull()
  })

  it('tells rules of the object from rules of its fields', () => {
    const object = z.object({ from: z.int(), to: z.int().min(1) })
    expect(hasObjectRules(object)).toBe(false)
    expect(hasObjectRules(object.refine(({ from, to }) => from < to))).toBe(true)
  })
})
