// Risk: of a table that changes while its blocks are read, a row that nobody touched is read twice or never, or one that
// was touched is read twice.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import type { Cursor } from '../../src/contract/range.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import { cut } from '../../src/plan/cut.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import type { Source, SourceRange } from '../../src/source/source.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import type { FreshSchema } from '../support/fresh-schema.ts'

const Row = z.object({ id: z.int(), version: z.int() })
const by = partition.byBlocks({ rows: 300 })
const { signal } = new AbortController()
const rows = 4_000

let database: FreshSchema
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.close())

const open = (table: string): Source =>
  openPostgresTable(postgres.table(`${database.schema}.${table}`, { schema: Row, key: 'id' }), { pool: database.pool })

async function filled(table: string): Promise<Source> {
  await database.run(
    `create table $schema.${table} (id int4 primary key, version int4 not null, filler text) with (fillfactor = 70, autovacuum_enabled = off)`,
  )
  await database.run(`insert into $schema.${table} select i, 0, repeat('x', 100) from generate_series(1, ${rows}) i`)
  return open(table)
}

function rangesOf(bounds: PinnedBounds): SourceRange[] {
  return [...cut(bounds, by)].map(({ from, to, locator }) => ({ range: { kind: 'integer', from, to }, locator }))
}

type Read = { readonly id: number; readonly version: number }

/** Reads like a worker that dies after every page: each page by a reader of its own, from the cursor. */
async function readRange(source: Source, range: SourceRange, between: () => Promise<void>): Promise<Read[]> {
  const read: Read[] = []
  for (let [cursor, last]: [Cursor | null, boolean] = [null, false]; !last; ) {
    for await (const page of source.read(range, cursor, 70, signal)) {
      read.push(...[...page.rows].map((row) => Row.parse(row)))
      ;[cursor, last] = [page.cursor, page.last]
      break
    }
    await between()
  }
  return read
}

test('each row that nobody touches is read once, and no other one twice, while rows move, come, go and are vacuumed', async () => {
  const source = await filled('busy')
  await database.run('delete from $schema.busy where id % 5 = 0')
  const bounds = await source.pin(by, {}, signal)
  const ranges = rangesOf(bounds)
  expect(ranges.length).toBeGreaterThan(8)
  let turn = 0
  const disturb = async (): Promise<void> => {
    turn += 1
    await database.run(
      `update $schema.busy set version = version + 1, filler = repeat('y', ${100 + (turn % 5) * 40}) where id % 11 = ${turn % 11} and id % 2 = 0`,
    )
    if (turn % 4 === 0) await database.run(`delete from $schema.busy where id % 97 = ${turn % 97} and id % 2 = 0`)
    if (turn % 3 === 0)
      await database.run(
        `insert into $schema.busy select ${rows} + ${turn} * 100 + i, 0, 'new' from generate_series(1, 50) i`,
      )
    // What is free in a block is used again, for rows that belong to a later run.
    if (turn % 5 === 0) await database.run('vacuum $schema.busy')
  }
  const read: Read[] = []
  for (const range of ranges.toReversed()) read.push(...(await readRange(source, range, disturb)))
  expect(turn).toBeGreaterThan(25)
  expect(new Set(read.map(({ id }) => id)).size).toBe(read.length)
  expect(read.filter(({ id, version }) => id > rows || id % 5 === 0 || version > 0)).toEqual([])
  const untouched = Array.from({ length: rows }, (_, n) => n + 1).filter((id) => id % 2 === 1 && id % 5 !== 0)
  const ids = new Set(read.map(({ id }) => id))
  expect(untouched.filter((id) => !ids.has(id))).toEqual([])
}, 120_000)

test('what was being written when the bounds were pinned is waited for, also below a savepoint, or named', async () => {
  await filled('open')
  const within = (settleMs: number): Source =>
    openPostgresTable(postgres.table(`${database.schema}.open`, { schema: Row, key: 'id' }), {
      pool: database.pool,
      settleMs,
    })
  const client = await database.pool.connect()
  let pinned: Promise<PinnedBounds>
  try {
    const { rows: process } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    await client.query('begin')
    await client.query('savepoint a')
    await client.query(`update ${database.schema}.open set version = 1 where id <= 500`)
    await client.query('release savepoint a')
    // A transaction counts as one before when a later one has ended.
    await database.run('update $schema.open set version = 0 where id = 700')
    await expect(within(200).pin(by, {}, signal)).rejects.toThrow(
      `partition.byBlocks: the transaction of process ${process[0]?.pid} began to write before the bounds were pinned and has not ended`,
    )
    pinned = within(60_000).pin(by, {}, signal)
    await database.run('update $schema.open set version = 2 where id between 501 and 600')
    await client.query(`insert into ${database.schema}.open values (9001, 3, 'began before')`)
    await client.query('commit')
  } finally {
    client.release()
  }
  const read: Read[] = []
  for (const range of rangesOf(await pinned)) read.push(...(await readRange(within(200), range, async () => {})))
  expect(new Set(read.map(({ id }) => id)).size).toBe(read.length)
  const ofVersion = (version: number): number => read.filter((row) => row.version === version).length
  expect([ofVersion(1), ofVersion(3)]).toEqual([500, 1])
  // Whether the second update came before the pinning is not known: it is read whole or not at all.
  expect([0, 100]).toContain(ofVersion(2))
  expect(ofVersion(0)).toBe(rows - 600)
})

test('a table that was written anew is refused: its blocks hold other rows', async () => {
  const source = await filled('rewritten')
  await database.run('delete from $schema.rewritten where id <= 1000')
  const [range] = rangesOf(await source.pin(by, {}, signal))
  if (range === undefined) throw new Error('there is no range')
  await database.run('vacuum full $schema.rewritten')
  await expect(readRange(source, range, async () => {})).rejects.toThrow(
    `table ${database.schema}.rewritten was written anew since (VACUUM FULL, CLUSTER, TRUNCATE, or a change of a column), and its blocks hold other rows: ask for a new run`,
  )
})

test('the rows of a table that was never analysed are estimated from its first blocks; an empty one has none', async () => {
  const source = await filled('unknown')
  expect(await source.pin(by, {}, signal)).toMatchObject({ kind: 'blocks', estimatedRows: rows })
  await database.run('truncate $schema.unknown')
  const nothing = await source.pin(by, {}, signal)
  expect(nothing).toMatchObject({ kind: 'blocks', blocks: 0, estimatedRows: 0 })
  expect([...cut(nothing, by)]).toEqual([{ index: 0, from: '0', to: '0', locator: null, estimatedRows: 0 }])
})

test.each([
  [
    'a partitioned table',
    'partition by range (id)',
    '',
    'it is partitioned, and has no blocks of its own: name one of its partitions',
  ],
  [
    'a table that others inherit from',
    '',
    'create table $schema.heir () inherits ($schema.of_kind)',
    'other tables inherit from it',
  ],
])('%s is refused', async (_what, how, then, reason) => {
  await database.run(`create table $schema.of_kind (id int4 primary key, version int4 not null) ${how}; ${then}`)
  try {
    await expect(open('of_kind').pin(by, {}, signal)).rejects.toThrow(reason)
  } finally {
    await database.run('drop table $schema.of_kind cascade')
  }
})
