import { expect, test } from 'vitest'
import { z } from 'zod'
import { tableName } from '../../src/postgres/identifier.ts'
import { withinRange } from '../../src/sink/postgres-range.ts'
import { fieldsOf } from '../../src/sink/postgres-target.ts'
import { column } from '../postgres/columns.ts'

test('the fields of a zod object are its keys; another schema is not read ahead', () => {
  expect(fieldsOf(z.object({ b: z.string(), a: z.number() }))).toEqual(['b', 'a'])
  expect(fieldsOf(z.strictObject({ b: z.string() }).refine(() => true))).toEqual(['b'])
  expect(fieldsOf(z.record(z.string(), z.unknown()))).toBeNull()
})

test('a range compares the bare column with bounds of its kind', () => {
  const target = {
    name: tableName('orders'),
    columns: [column('id', 'int4'), column('at', 'timestamptz'), column('day', 'date'), column('n', 'numeric')],
  }
  expect(withinRange(target, 'id', 'integer')).toBe('"id" >= $1::int8 and "id" <= ($2::numeric - 1)::int8')
  expect(withinRange(target, 'n', 'integer')).toBe('"n" >= $1::numeric and "n" < $2::numeric')
  expect(withinRange(target, 'at', 'time')).toBe('"at" >= $1::timestamptz and "at" < $2::timestamptz')
  expect(withinRange(target, 'day', 'time')).toContain(`"day" >= ($1::timestamptz at time zone 'UTC')`)
  expect(() => withinRange(target, 'id', 'time')).toThrow(
    'the source is cut by times, and column "id" of public.orders is int4',
  )
})
