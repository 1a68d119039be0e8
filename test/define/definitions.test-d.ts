// Mistakes are reported at their own token: each @ts-expect-error stands right above it, and one that is not needed
// is itself an error.
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import type { BoundParams } from '../../src/define/partition-by.ts'
import { files } from '../../src/entry/files.ts'
import { kafka } from '../../src/entry/kafka.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'

const Order = z.object({ id: z.string(), created_at: z.date(), amount: z.number(), customer_id: z.string().nullable() })
const OrderV2 = z.object({
  id: z.string(),
  created_at: z.date(),
  amount_cents: z.int(),
  status: z.enum(['open', 'paid']),
})
const params = z.object({ from: z.iso.date(), to: z.iso.date(), region: z.enum(['eu', 'us']).default('eu') })

const source = postgres.table('public.orders', { schema: Order, key: 'id' })
const sink = postgres.upsert('public.orders_v2', { schema: OrderV2, key: ['id'] })
const partitionBy = partition.byTime('created_at', { every: 'P1D' })

test('rows and params are inferred from source, sink and params', () => {
  defineBackfill({
    id: 'orders-v2',
    params,
    source,
    partitionBy: partition.byTime('created_at', { every: 'P1D', bounds: { from: 'from', to: 'to' } }),
    transform: (row, ctx) => {
      expectTypeOf(row).toEqualTypeOf<z.output<typeof Order>>()
      expectTypeOf(ctx.params).toEqualTypeOf<z.output<typeof params>>()
      if (row.customer_id === null) return ctx.skip('no customer')
      return { id: row.id, created_at: row.created_at, amount_cents: Math.round(row.amount * 100), status: 'paid' }
    },
    sink,
  })
})

test('a schedule fills params that there are', () => {
  defineBackfill({
    ...{ id: 'a', params, source, partitionBy, sink: postgres.insert('copy', { schema: Order, range: 'created_at' }) },
    schedule: { every: '0 3 * * *', timezone: 'Europe/Berlin', bounds: { from: 'from', to: 'to', as: 'date' } },
  })
  defineBackfill({
    ...{ id: 'a', params, source, partitionBy, sink: postgres.insert('copy', { schema: Order, range: 'created_at' }) },
    // @ts-expect-error: no such param
    schedule: { every: '0 3 * * *', bounds: { from: 'from', to: 'until' } },
  })
})

test('a transform may give several rows, none, or a promise', () => {
  const one = { id: '1', created_at: new Date(0), amount_cents: 1, status: 'open' } as const
  defineBackfill({ id: 'a', source, partitionBy, transform: () => [one, one], sink })
  defineBackfill({ id: 'a', source, partitionBy, transform: () => null, sink })
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    transform: async (_row, ctx) => (Math.random() > 2 ? ctx.skip('') : one),
    sink,
  })
})

test('rows pass as they are when there is no transform', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    sink: postgres.insert('copy', { schema: Order, range: 'created_at' }),
  })
})

test('params need not bound the partitions', () => {
  const by = partition.byKey('id', { size: 10 })
  expectTypeOf(by.bounds).toEqualTypeOf<BoundParams<never> | null>()
  defineBackfill({
    id: 'a',
    params,
    source,
    partitionBy: partition.byKey('id', { size: 10 }),
    transform: () => null,
    sink,
  })
})

test('the position of a row in its files is a column', () => {
  const trips = files.parquet('trips/*.parquet', { schema: z.object({ fare: z.number() }), position: 'trip_no' })
  defineBackfill({
    id: 'trips',
    source: trips,
    partitionBy: partition.byRowGroup(),
    transform: (row) => {
      expectTypeOf(row).toEqualTypeOf<{ fare: number } & { trip_no: number }>()
      return { trip_no: row.trip_no, fare: row.fare }
    },
    sink: postgres.insert('trips', { schema: z.object({ trip_no: z.int(), fare: z.number() }), range: 'trip_no' }),
  })
})

test('what a record has besides its value are columns, by the names they are given', () => {
  const topic = kafka.topic('orders', {
    schema: z.object({ fare: z.number() }),
    fields: { key: 'k', topicPartition: 'part', offset: 'place', timestamp: 'at', headers: 'h' },
    position: 'n',
  })
  defineBackfill({
    id: 'orders',
    source: topic,
    partitionBy: partition.byOffsets(1_000),
    transform: (row) => {
      expectTypeOf(row.fare).toEqualTypeOf<number>()
      expectTypeOf(row.k).toEqualTypeOf<string | null>()
      expectTypeOf(row.part).toEqualTypeOf<number>()
      expectTypeOf(row.place).toEqualTypeOf<bigint>()
      expectTypeOf(row.at).toEqualTypeOf<Date>()
      expectTypeOf(row.n).toEqualTypeOf<number>()
      // @ts-expect-error its name is place
      void row.offset
      return { n: row.n, fare: row.fare }
    },
    sink: postgres.insert('orders', { schema: z.object({ n: z.int(), fare: z.number() }), range: 'n' }),
  })
  kafka.topic('orders', {
    schema: z.object({ value: z.instanceof(Uint8Array) }),
    value: 'bytes',
    fields: {
      key: 'k',
      // @ts-expect-error no such part of a record
      partition: 'part',
    },
  })
})

test('keys of bytes are bytes', () => {
  defineBackfill({
    id: 'logs',
    source: kafka.topic('logs', {
      schema: z.object({ value: z.instanceof(Uint8Array).nullable() }),
      value: 'bytes',
      fields: { key: 'k' },
    }),
    partitionBy: partition.byOffsets(1_000),
    transform: (row) => {
      expectTypeOf(row.value).toExtend<Uint8Array | null>()
      expectTypeOf(row.k).toEqualTypeOf<Uint8Array | null>()
      return null
    },
    sink,
  })
})

test('the place of a row in its text files is a column', () => {
  const Trip = z.object({ fare: z.number() })
  for (const source of [
    files.csv('trips/*.csv', { schema: Trip, position: 'place', header: ['fare'], quote: null }),
    files.ndjson('trips/*.ndjson', { schema: Trip, position: 'place' }),
  ])
    defineBackfill({
      id: 'trips',
      source,
      partitionBy: partition.byBytes(),
      transform: (row) => {
        expectTypeOf(row).toEqualTypeOf<{ fare: number } & { place: number }>()
        return row
      },
      sink: postgres.insert('trips', { schema: Trip.extend({ place: z.int() }), range: 'place' }),
    })
  // @ts-expect-error the names of the columns, or true
  files.csv('trips/*.csv', { schema: Trip, header: false })
})

test('a wrong partition column', () => {
  defineBackfill({
    id: 'a',
    source,
    // @ts-expect-error no such column in the source
    partitionBy: partition.byTime('create_at', { every: 'P1D' }),
    transform: () => null,
    sink,
  })
})

test('a wrong bounds param', () => {
  defineBackfill({
    id: 'a',
    params,
    source,
    // @ts-expect-error no such param
    partitionBy: partition.byTime('created_at', { every: 'P1D', bounds: { from: 'from', to: 'until' } }),
    transform: () => null,
    sink,
  })
})

test('a wrong column of the input row', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    transform: (row) => ({
      id: row.id,
      created_at: row.created_at,
      // @ts-expect-error did you mean amount?
      amount_cents: row.amout,
      status: 'open',
    }),
    sink,
  })
})

test('a wrong type in the output row', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    transform: (row) => ({
      id: row.id,
      created_at: row.created_at,
      // @ts-expect-error text where the sink has a number
      amount_cents: '100',
      status: 'open',
    }),
    sink,
  })
})

test('a wrong word in the output row', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    // @ts-expect-error void is no status of the sink
    transform: (row) => ({ id: row.id, created_at: row.created_at, amount_cents: 1, status: 'void' }),
    sink,
  })
})

test('a column missing in the output row', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    // @ts-expect-error amount_cents is missing
    transform: (row) => ({ id: row.id, created_at: row.created_at, status: 'open' }),
    sink,
  })
})

test('no transform, though the rows of the source do not fit the sink', () => {
  // @ts-expect-error transform is missing
  defineBackfill({ id: 'a', source, partitionBy, sink })
})

test('a wrong param in the transform', () => {
  defineBackfill({
    id: 'a',
    params,
    source,
    partitionBy,
    transform: (_row, ctx) => {
      // @ts-expect-error did you mean region?
      ctx.skip(ctx.params.regoin)
      return null
    },
    sink,
  })
})

test('wrong columns in source and sink', () => {
  postgres.table('orders', {
    schema: Order,
    // @ts-expect-error no such column
    key: 'ID',
  })
  postgres.upsert('orders_v2', {
    schema: OrderV2,
    // @ts-expect-error no such column
    key: ['order_id'],
  })
  postgres.upsert('orders_v2', {
    schema: OrderV2,
    key: ['id'],
    // @ts-expect-error no such column
    range: 'createdAt',
  })
  postgres.insert('orders_v2', {
    schema: OrderV2,
    // @ts-expect-error no such column
    range: 'createdAt',
  })
})

test('a wrong option', () => {
  defineBackfill({
    id: 'a',
    source,
    partitionBy,
    transform: () => null,
    sink,
    limits: {
      // @ts-expect-error did you mean chunkRows?
      chunkRow: 10,
    },
  })
})
