// Risk: a sink that cannot be written is found out row by row, hours into a run.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { openPool } from '../../src/postgres/pool.ts'
import { openPostgresUpsert } from '../../src/sink/postgres-upsert.ts'
import type { Sink } from '../../src/sink/sink.ts'
import { createTestSchema, insertSink, type TestSchema } from '../conformance/sink-postgres.ts'
import { silentLog } from '../support/silent-log.ts'

let own: TestSchema
beforeAll(async () => {
  own = await createTestSchema(3)
  await own.pool.query(`
    create collation ${own.schema}.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table ${own.schema}.orders (
      id int8 generated always as identity primary key,
      created_at timestamptz not null default now(),
      amount numeric(12,2) not null,
      amount_cents int8 generated always as ((amount * 100)::int8) stored,
      region text collate ${own.schema}.loose,
      place point,
      customer uuid not null,
      code text,
      unique (customer, code)
    )`)
})
afterAll(() => own.drop())

const signal = new AbortController().signal
async function reasonsOf(sink: Sink): Promise<readonly string[]> {
  try {
    await sink.check(signal)
    return []
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error
    expect(error.code).toBe('SINK_NOT_WRITABLE')
    return error.reasons.map((reason) => reason.replaceAll(own.schema, 'sales'))
  }
}
const any = z.unknown()

test('says nothing about a table that fits', async () => {
  const row = z.object({ id: any, amount: any, customer: any, code: any })
  expect(await reasonsOf(insertSink(own, 'orders', row))).toEqual([])
})

test('names a table that is missing, and the one that was meant', async () => {
  const [reason] = await reasonsOf(insertSink(own, 'order', z.object({ id: any })))
  expect(reason).toMatch(/^table sales\.order does not exist in .*\/.*; did you mean "sales\.orders"\?$/)
})

test('says everything that is wrong at once', async () => {
  const row = z.object({ amout: any, amount_cents: any, region: any, place: any, code: any })
  const reasons = await reasonsOf(insertSink(own, 'orders', row))
  expect(reasons).toEqual([
    'sales.orders has no column "amout"; did you mean "amount"?',
    'column "amount_cents" of sales.orders is computed by the server and cannot be written: leave it out of the schema',
    'column "region" of sales.orders has a collation under which different texts are equal: their hash is not the server\'s',
    expect.stringContaining('column "place" of sales.orders is point, which cannot be written; bool, bytea, int8'),
    'column "amount" of sales.orders is not null, has no default, and is not in the schema',
    'column "customer" of sales.orders is not null, has no default, and is not in the schema',
    'range "id" is not in the schema; there are amout, amount_cents, region, place, code',
  ])
})

test('a key needs a unique constraint on exactly its columns', async () => {
  const upsert = (key: string[]): Sink =>
    openPostgresUpsert(
      {
        kind: 'postgres.upsert',
        table: `${own.schema}.orders`,
        schema: z.object({ id: any, amount: any, customer: any, code: any }),
        key,
        range: null,
        database: 'DATABASE_URL',
      },
      { pool: own.pool, schema: own.schema, leaseMs: 1000 },
    )
  expect(await reasonsOf(upsert(['code', 'customer']))).toEqual([])
  expect(await reasonsOf(upsert(['id']))).toEqual([])
  expect(await reasonsOf(upsert(['customer']))).toEqual([
    'sales.orders has no unique constraint on (customer); there is one on (id), (customer, code)',
  ])
  expect(await reasonsOf(upsert(['codes']))).toContainEqual('key "codes" is not in the schema; did you mean "code"?')
})

test('missing rights and missing tables of our own', async () => {
  const role = `${own.schema}_reader`
  await own.pool.query(
    `create role ${role} login; grant usage on schema ${own.schema} to ${role}; grant select on ${own.schema}.orders to ${role}`,
  )
  const url = new URL(inject('DATABASE_URL'))
  url.username = role
  const pool = openPool({ connectionString: url.href, applicationName: 'reader', max: 1, log: silentLog })
  try {
    const sink = insertSink({ ...own, pool }, 'orders', z.object({ id: any, amount: any, customer: any }))
    expect((await reasonsOf(sink)).map((reason) => reason.replace(/role \S+_reader/, 'role reader'))).toEqual([
      'role reader may not INSERT on sales.orders: grant it',
      'role reader may not DELETE on sales.orders: grant it',
    ])
  } finally {
    await pool.end()
    await own.pool.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('tracking tables that are missing', async () => {
  const sink = openPostgresUpsert(
    {
      kind: 'postgres.upsert',
      table: `${own.schema}.orders`,
      schema: z.object({ id: any, amount: any, customer: any }),
      key: ['id'],
      range: null,
      database: 'DATABASE_URL',
    },
    { pool: own.pool, schema: 'nowhere', leaseMs: 1000 },
  )
  expect(await reasonsOf(sink)).toEqual(['schema "nowhere" has no checkpoint table: its migrations have not run'])
})

test('a target is the same by whatever address and role it is reached, and another table another target', async () => {
  const row = z.object({ id: any })
  const url = new URL(inject('DATABASE_URL'))
  const reader = `${own.schema}_reader`
  await own.pool.query(`create role ${reader} login`)
  Object.assign(url, { hostname: 'localhost', username: reader })
  const pool = openPool({ connectionString: url.href, applicationName: 'reader', max: 1, log: silentLog })
  try {
    const target = await insertSink(own, 'orders', row).target()
    const again = await insertSink({ ...own, pool }, 'orders', row).target()
    expect(again.id).toBe(target.id)
    expect(again.name).toBe(`localhost:${url.port}${url.pathname}/${own.schema}.orders`)
    expect((await insertSink(own, 'missing', row).target()).id).not.toBe(target.id)
  } finally {
    await pool.end()
    await own.pool.query(`drop role ${reader}`)
  }
})
