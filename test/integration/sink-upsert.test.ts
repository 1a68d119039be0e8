// Risk: an upsert loses, doubles or mixes up rows that somebody else also writes, or that a chunk carries twice.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { noTotals } from '../../src/contract/certificate.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { openPostgresUpsert } from '../../src/sink/postgres-upsert.ts'
import { createTestSchema, type TestSchema } from '../conformance/sink-postgres.ts'

let own: TestSchema
beforeAll(async () => {
  own = await createTestSchema(3)
})
afterAll(() => own.drop())

/** Sends chunks of one partition, one after the other. */
async function upsert(table: string, key: string[], schema: z.ZodType<AnyRow>, chunks: AnyRow[][]): Promise<void> {
  const sink = openPostgresUpsert(
    { kind: 'postgres.upsert', table: `${own.schema}.${table}`, schema, key, range: null, database: 'DATABASE_URL' },
    { pool: own.pool, schema: own.schema, leaseMs: 60_000 },
  )
  const range = { kind: 'integer', from: '0', to: '1000' } as const
  const holding = {
    runId: randomUUID(),
    partitionId: randomUUID(),
    backfill: 'b',
    index: 0,
    range,
    worker: 'w',
    topicPartition: 0,
  }
  const claim = await sink.claim(holding)
  if (claim.kind !== 'claimed') throw new Error(claim.kind)
  let before = claim.checkpoint
  for (const [i, rows] of chunks.entries()) {
    const buffer = sink.buffer(holding.range)
    for (const row of rows) buffer.add(row)
    const contentHash = buffer.contentHash.toString()
    const added = { ...noTotals, rowsRead: rows.length, rowsWritten: rows.length, chunks: 1, contentHash }
    before = await sink.commit({
      holding,
      before,
      to: '1000',
      cursor: String(i),
      last: false,
      added,
      buffer,
      rejected: [],
    })
  }
  expect(await sink.stored([range])).toBeNull()
}

test('the last of equal keys wins, and columns that are not declared keep what others wrote', async () => {
  await own.pool.query(`
    create table ${own.schema}.stock (shop text, item int4, amount int4 not null, note text, primary key (shop, item));
    insert into ${own.schema}.stock values ('a', 1, 10, 'kept'), ('b', 9, 90, 'untouched')`)
  const row = z.object({ item: z.int(), shop: z.string(), amount: z.int() })
  const many = Array.from({ length: 5000 }, (_, i) => ({ shop: 'c', item: i % 7, amount: i }))
  await upsert('stock', ['shop', 'item'], row, [
    [
      { shop: 'a', item: 1, amount: 11 },
      { shop: 'a', item: 2, amount: 20 },
      { shop: 'a', item: 1, amount: 12 },
    ],
    many,
    [{ shop: 'a', item: 2, amount: 21 }],
  ])
  const { rows } = await own.pool.query(`select * from ${own.schema}.stock where shop <> 'c' order by shop, item`)
  expect(rows).toEqual([
    { shop: 'a', item: 1, amount: 12, note: 'kept' },
    { shop: 'a', item: 2, amount: 21, note: null },
    { shop: 'b', item: 9, amount: 90, note: 'untouched' },
  ])
  const { rows: last } = await own.pool.query(
    `select item, amount from ${own.schema}.stock where shop = 'c' order by item`,
  )
  expect(last).toEqual(
    Array.from({ length: 7 }, (_, item) => ({ item, amount: many.findLast((each) => each.item === item)?.amount })),
  )
})

test('a table that is all key, and one with a numbered key', async () => {
  await own.pool.query(`
    create table ${own.schema}.tag (name text primary key);
    create table ${own.schema}.numbered (id int8 generated always as identity primary key, name text)`)
  await upsert('tag', ['name'], z.object({ name: z.string() }), [
    [{ name: 'x' }, { name: 'x' }],
    [{ name: 'x' }, { name: 'y' }],
  ])
  expect((await own.pool.query(`select name from ${own.schema}.tag order by 1`)).rows).toEqual([
    { name: 'x' },
    { name: 'y' },
  ])
  await upsert('numbered', ['id'], z.object({ id: z.int(), name: z.string() }), [[{ id: 41, name: 'given' }]])
  expect((await own.pool.query(`select id::int, name from ${own.schema}.numbered`)).rows).toEqual([
    { id: 41, name: 'given' },
  ])
})

test('a row that the table refuses ends the chunk, and nothing of it stays', async () => {
  await own.pool.query(`create table ${own.schema}.checked (id int4 primary key, amount int4 check (amount > 0))`)
  const sent = upsert('checked', ['id'], z.object({ id: z.int(), amount: z.int() }), [
    [
      { id: 1, amount: 1 },
      { id: 2, amount: -1 },
    ],
  ])
  await expect(sent).rejects.toMatchObject({ name: 'TerminalError', code: 'ROW_INVALID' })
  expect((await own.pool.query(`select * from ${own.schema}.checked`)).rows).toEqual([])
})

test('a schema that is no zod object validates each row itself, over all columns of the table', async () => {
  await own.pool.query(`create table ${own.schema}.loose (id int4 primary key, name text)`)
  const row = z
    .object({ id: z.int(), name: z.string().min(2) })
    .transform((value) => ({ ...value, name: value.name.toUpperCase() }))
  await upsert('loose', ['id'], row, [[{ id: 1, name: 'ab' }]])
  expect((await own.pool.query(`select * from ${own.schema}.loose`)).rows).toEqual([{ id: 1, name: 'AB' }])
  await expect(upsert('loose', ['id'], row, [[{ id: 2, name: 'x' }]])).rejects.toMatchObject({ name: 'RowError' })
})
