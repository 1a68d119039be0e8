import { expect, test } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { admitParams } from '../../src/plan/admit-params.ts'

const Row = z.object({ id: z.string() })

function backfillWith<Params extends z.ZodObject>(params: Params): Parameters<typeof admitParams>[0] {
  return defineBackfill({
    id: 'orders-v2',
    params,
    source: postgres.table('orders', { schema: Row, key: 'id' }),
    partitionBy: partition.byKey('id', { size: 10 }),
    sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
  })
}

test('params come as the schema makes them', async () => {
  const backfill = backfillWith(z.object({ from: z.iso.date(), region: z.enum(['eu', 'us']).default('eu') }))
  expect(await admitParams(backfill, { from: '2024-01-01' })).toEqual({ from: '2024-01-01', region: 'eu' })
})

test('all issues are named at once, unknown fields too', async () => {
  const backfill = backfillWith(z.object({ from: z.iso.date(), to: z.iso.date() }))
  await expect(admitParams(backfill, { from: 'yesterday', till: '2024-01-01' })).rejects.toMatchObject({
    code: 'PARAMS_INVALID',
    reasons: [
      'params.from: Invalid ISO date, got "yesterday"',
      'params.to: Invalid input: expected string, received undefined',
      'params: unknown field "till"',
    ],
  })
})

test('a schema that says what to do with unknown fields is left as it is', async () => {
  expect(await admitParams(backfillWith(z.looseObject({})), { anything: 1 })).toEqual({ anything: 1 })
})

test('a schema that throws is a reason, not a crash', async () => {
  const params = z.object({
    from: z.string().refine(() => {
      throw new TypeError('no such calendar')
    }),
  })
  const error = await admitParams(backfillWith(params), { from: 'x' }).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(TerminalError)
  expect(error).toMatchObject({ message: 'params schema of backfill "orders-v2" failed: no such calendar' })
})
