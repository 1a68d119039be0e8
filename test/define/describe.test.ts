import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Backfill } from '../../src/define/define-backfill.ts'
import { definitionHash, describeBackfill } from '../../src/define/describe.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'

const row = { id: z.string(), at: z.date() }

interface Given {
  schema?: z.ZodType<Record<string, unknown>>
  size?: number
  transform?: (row: Record<string, unknown>) => Record<string, unknown>
  chunkRows?: number
}

function backfill({ schema = z.object(row), size = 10, transform, chunkRows }: Given = {}): { backfill: Backfill } {
  return {
    backfill: defineBackfill({
      id: 'orders-v2',
      params: z.object({ from: z.iso.date() }),
      source: postgres.table('orders', { schema, key: 'id', database: 'SOURCE_URL' }),
      partitionBy: partition.byKey('id', { size }),
      ...(transform === undefined ? {} : { transform }),
      sink: postgres.upsert('orders_v2', { schema, key: ['id'] }),
      ...(chunkRows === undefined ? {} : { limits: { chunkRows } }),
    }),
  }
}

test('a definition is plain JSON', () => {
  const described = describeBackfill(backfill({ transform: (row) => ({ ...row }) }))
  expect(JSON.parse(JSON.stringify(described))).toEqual(described)
  expect(described).toMatchObject({
    id: 'orders-v2',
    params: { properties: { from: { type: 'string', format: 'date' } } },
    source: { kind: 'postgres.table', table: 'orders', database: 'SOURCE_URL', schema: { required: ['id', 'at'] } },
    partitionBy: { kind: 'key', column: 'id', size: '10' },
    sink: { kind: 'postgres.upsert', key: ['id'] },
    limits: { chunkRows: 25_000, maxRejectedRows: 0 },
  })
  expect(described.transform).toContain('...row')
})

test('the same definition has the same hash, made again', () => {
  expect(definitionHash(describeBackfill(backfill()))).toBe(definitionHash(describeBackfill(backfill())))
})

test.each<[string, Given]>([
  ['size', { size: 11 }],
  ['transform', { transform: (row) => row }],
  ['chunk size', { chunkRows: 10 }],
  ['a column', { schema: z.object({ ...row, note: z.string() }) }],
  ['a type JSON Schema has no word for', { schema: z.object({ ...row, at: z.bigint() }) }],
  ['coercion', { schema: z.object({ ...row, at: z.coerce.date() }) }],
])('another %s is another definition', (_what, given) => {
  expect(definitionHash(describeBackfill(backfill(given)))).not.toBe(definitionHash(describeBackfill(backfill())))
})
