// Risk: a plan that reads a table once for every chunk, or leaves rows out, and nobody is told before it runs.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type PartitionBy, partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { eventually } from '../support/eventually.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const Row = z.object({ id: z.int(), at: z.date().nullable() })
const { signal } = new AbortController()

let database: FreshSchema
beforeAll(async () => {
  database = await freshSchema()
})
afterAll(() => database.close())

async function warnings(table: string, by: PartitionBy): Promise<readonly string[] | undefined> {
  const source = openPostgresTable(postgres.table(`${database.schema}.${table}`, { schema: Row, key: 'id' }), {
    pool: database.pool,
  })
  return source.warnings?.(await source.pin(by, {}, signal), signal)
}

test('a large table: no index, rows without a value, statistics that are missing or old; nothing when all is well', async () => {
  const at = partition.byTime('at', { every: 'P1D' })
  const name = `table ${database.schema}.orders`
  const sql = `"${database.schema}"."orders"`
  await database.run(
    'create table $schema.orders (id int4 primary key, at timestamptz, filler text) with (autovacuum_enabled = off)',
  )
  await database.run(
    `insert into $schema.orders select i, case when i % 5 > 0 then timestamptz '2026-01-01Z' + i * interval '1 minute' end, repeat('x', 600)
       from generate_series(1, 40000) i; select pg_stat_force_next_flush()`,
  )
  const noIndex = expect.stringMatching(
    new RegExp(
      `^no index of ${name} begins with \\(at\\): every chunk reads the whole table \\(2\\d MB\\); create index on `,
    ),
  )
  expect(await warnings('orders', at)).toEqual([
    noIndex,
    `${name} was never analysed: how many rows there are is not known; analyze ${sql}`,
  ])
  await database.run('analyze $schema.orders')
  const withoutValue = expect.stringMatching(
    new RegExp(`^about (7,[5-9]|8,[0-4])\\d\\d rows of ${name} have no value in "at", and are in no partition$`),
  )
  expect(await warnings('orders', at)).toEqual([noIndex, withoutValue])
  await database.run('create index on $schema.orders (at)')
  expect(await warnings('orders', at)).toEqual([withoutValue])
  expect(await warnings('orders', partition.byKey('id', { size: 1_000 }))).toEqual([])
  expect(await warnings('orders', partition.byHash('id', { partitions: 8 }))).toEqual([
    expect.stringContaining('create index on ' + sql + ' (hashtextextended("id"::text, 0))'),
  ])
  await database.run('create index on $schema.orders (hashtextextended(id::text, 0))')
  expect(await warnings('orders', partition.byHash('id', { partitions: 8 }))).toEqual([])
  await database.run(`update $schema.orders set filler = 'y' where id <= 20000; select pg_stat_force_next_flush()`)
  await eventually(
    'the server to count what was changed',
    async () =>
      (await warnings('orders', partition.byKey('id', { size: 1_000 })))?.[0]?.startsWith(
        `the statistics of ${name} are old: 20,000 rows`,
      ) || undefined,
  )
})

test('of a small table nothing is said of indexes', async () => {
  await database.run('create table $schema.small (id int4 primary key, at timestamptz not null)')
  await database.run(`insert into $schema.small values (1, '2026-01-01Z')`)
  await database.run('analyze $schema.small')
  expect(await warnings('small', partition.byTime('at', { every: 'P1D' }))).toEqual([])
})
