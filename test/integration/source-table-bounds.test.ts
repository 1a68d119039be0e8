import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { PartitionBy } from '../../src/define/partition-by.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { cut, keyKindOf } from '../../src/plan/cut.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()
const Event = z.object({
  id: z.int(),
  at: z.date().nullable(),
  local: z.date().nullable(),
  day: z.string().nullable(),
  n: z.number(),
})

describe('the bounds of a table', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
    await database.run(
      'create table $schema.events (id int8 primary key, at timestamptz, local timestamp, day date, n int4 not null)',
    )
    await database.run('create index on $schema.events (at)')
    await database.run(`insert into $schema.events
      select i, timestamptz '2024-03-30T00:00:00.000001Z' + i * interval '7 minutes', timestamp '2024-03-30' + i * interval '1 hour',
             date '2024-03-30' + i / 24, i / 3 from generate_series(0, 999) as i`)
    await database.run(`insert into $schema.events values (5000, null, null, null, -7)`)
    await database.run('analyze $schema.events')
    await database.run('create table $schema.nothing (like $schema.events including all)')
  })
  afterAll(() => database.close())

  const source = (table = 'events') =>
    openPostgresTable(postgres.table(`${database.schema}.${table}`, { schema: Event, key: 'id' }), {
      pool: database.pool,
    })

  async function readAll(by: PartitionBy, params: AnyRow = {}): Promise<AnyRow[]> {
    const rows: AnyRow[] = []
    const bounds = await source().pin(by, params, signal)
    for (const { from, to, locator } of cut(bounds, by))
      for await (const page of source().read(
        { range: { kind: keyKindOf(bounds), from, to }, locator },
        null,
        40,
        signal,
      ))
        rows.push(...page.rows)
    return rows
  }

  it('are the first value and just after the last, with the rows the server believes in', async () => {
    expect(await source().pin(partition.byTime('at', { every: 'P1D' }), {}, signal)).toEqual({
      kind: 'time',
      column: 'at',
      // Whole milliseconds: a Date has no more, and its row must not fall out of the range.
      from: '2024-03-30T00:00:00Z',
      to: '2024-04-03T20:33:00.001Z',
      estimatedRows: expect.closeTo(1000, -2),
    })
    expect(await source().pin(partition.byKey('n', { size: 10 }), {}, signal)).toMatchObject({ from: '-7', to: '334' })
  })

  it('of what has come in above an earlier run begin where that one ends, to the millisecond', async () => {
    await database.run('create table $schema.grows (like $schema.events including all)')
    await database.run(`insert into $schema.grows values
      (1, '2024-03-31T00:59:59.999999Z', '2024-03-31T02:30:00', '2024-03-31', 9), (2, null, null, null, 0)`)
    const ways = [
      { by: partition.byTime('at', { every: 'P1D' }), to: '2024-03-31T01:00:00Z', next: '2024-03-31T01:00:00.001Z' },
      {
        by: partition.byTime('local', { every: 'P1D' }),
        to: '2024-03-31T02:30:00.001Z',
        next: '2024-03-31T02:30:01.001Z',
      },
      {
        by: partition.byTime('day', { every: 'P1D' }),
        to: '2024-03-31T00:00:00.001Z',
        next: '2024-04-01T00:00:00.001Z',
      },
      { by: partition.byQuantiles('n', { rows: 10 }), to: '10', next: '11' },
    ]
    const grows = source('grows')
    const before = await Promise.all(ways.map(({ by }) => grows.pin(by, {}, signal)))
    const looks = () => Promise.all(before.map(async (bounds) => grows.hasAbove?.(bounds, signal)))
    expect(await looks()).toEqual([false, false, false, false])
    // What lies between the values that were there, and a row without any, is not above them.
    await database.run(`insert into $schema.grows values
      (3, '2024-03-31T00:00:00Z', '2024-03-31T00:00:00', '2024-03-30', -4), (4, null, null, null, 1)`)
    expect(await looks()).toEqual([false, false, false, false])
    for (const [n, { by, to }] of ways.entries())
      expect(await grows.pin(by, {}, signal, before[n])).toMatchObject({ from: to, to })
    await database.run(`insert into $schema.grows values
      (5, '2024-03-31T01:00:00Z', '2024-03-31T02:30:01', '2024-04-01', 10)`)
    expect(await looks()).toEqual([true, true, true, true])
    for (const [n, { by, to, next }] of ways.entries())
      expect(await grows.pin(by, {}, signal, before[n])).toMatchObject({ from: to, to: next })
  })

  it('of a key that is the largest there can be: nothing is above it', async () => {
    await database.run('create table $schema.full (like $schema.events including all)')
    await database.run('insert into $schema.full values (9223372036854775807, null, null, null, 1)')
    const before = { kind: 'integer', column: 'id', from: '1', to: '9223372036854775808', estimatedRows: null } as const
    expect(await source('full').hasAbove?.(before, signal)).toBe(false)
  })

  it('are what the params say', async () => {
    const by = partition.byTime('at', {
      every: 'P1D',
      timezone: 'Europe/Berlin',
      bounds: { from: 'since', to: 'until' },
    })
    expect(await source().pin(by, { since: '2024-03-31', until: '2024-04-01' }, signal)).toEqual({
      kind: 'time',
      column: 'at',
      from: '2024-03-30T23:00:00Z',
      to: '2024-03-31T22:00:00Z',
      estimatedRows: expect.closeTo(197, -2),
    })
    await expect(source().pin(by, { since: '2024-04-01', until: '2024-04-01' }, signal)).rejects.toMatchObject({
      code: 'PARAMS_INVALID',
      message:
        'params.since is 2024-03-31T22:00:00Z and params.until is 2024-03-31T22:00:00Z: the first must come before the second',
    })
  })

  it('are empty when the table is, and give one partition without rows', async () => {
    for (const by of [partition.byTime('at', { every: 'P1D' }), partition.byKey('id', { size: 5 })]) {
      const bounds = await source('nothing').pin(by, {}, signal)
      const plan = [...cut(bounds, by)]
      expect(plan).toHaveLength(1)
      expect(plan[0]?.from).toBe(plan[0]?.to)
    }
  })

  it.each([
    ['timestamptz', partition.byTime('at', { every: 'PT6H', timezone: 'Europe/Berlin' })],
    ['timestamp', partition.byTime('local', { every: 'P1D' })],
    ['date', partition.byTime('day', { every: 'PT10H' })],
    ['its key', partition.byKey('id', { size: 77 })],
  ])('hold every row once when the table is cut by %s, but for rows without a value', async (_by, by) => {
    const ids = (await readAll(by)).map(({ id }) => Number(id))
    const all = Array.from({ length: 1000 }, (_, i) => i)
    expect(ids.filter((id) => id !== 5000)).toEqual(all)
    expect(ids.includes(5000)).toBe(by.kind === 'key')
  })

  it('hold every row once when the table is cut by an integer with ties', async () => {
    const rows = await readAll(partition.byKey('n', { size: 50 }))
    expect(rows).toHaveLength(1001)
    expect(rows.map(({ id }) => Number(id))).toEqual([5000, ...Array.from({ length: 1000 }, (_, i) => i)])
  })

  it('give times without a zone as if their clock stood in UTC', async () => {
    const [first] = await readAll(partition.byTime('local', { every: 'P1Y' }))
    expect(first).toEqual({
      id: 0,
      at: new Date('2024-03-30T00:00:00Z'),
      local: new Date('2024-03-30T00:00:00Z'),
      day: '2024-03-30',
      n: 0,
    })
  })

  it('cannot be told of infinity', async () => {
    await database.run('create table $schema.endless (like $schema.events including all)')
    await database.run("insert into $schema.endless values (1, 'infinity', null, null, 0)")
    await expect(source('endless').pin(partition.byTime('at', { every: 'P1D' }), {}, signal)).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: 'column "at" holds infinity, so its values have no bounds: name params as bounds of partitionBy',
    })
  })
})
