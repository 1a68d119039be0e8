import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import { type PartitionBy, partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { cut, keyKindOf } from '../../src/plan/cut.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()
const Event = z.object({ id: z.int(), at: z.date(), code: z.int() })
/** Nine of ten rows lie in the last tenth of the time; one code has a third of the rows. */
const rows = (count: number): string => `
  select i, timestamptz '2024-01-01Z' + case when i % 10 = 0 then i::float / ${count} * interval '90 days'
                                             else interval '90 days' + i::float / ${count} * interval '10 days' end,
         case when i % 3 = 0 then 7 else i % 5000 end, repeat('x', 20)
    from generate_series(1, ${count}) as i order by hashint4(i)`

describe('a table whose rows lie unevenly', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
    const columns = '(id int8 primary key, at timestamptz not null, code int4 not null, pad text)'
    for (const table of ['small', 'analysed', 'unknown', 'nothing'])
      await database.run(`create table $schema.${table} ${columns}; create index on $schema.${table} (at)`)
    await database.run(`insert into $schema.small ${rows(5_000)}; analyze $schema.small`)
    await database.run(`insert into $schema.analysed ${rows(120_000)}; analyze $schema.analysed`)
    await database.run(`alter table $schema.unknown set (autovacuum_enabled = off)`)
    await database.run(`insert into $schema.unknown ${rows(120_000)}`)
  })
  afterAll(() => database.close())

  const source = (table: string) =>
    openPostgresTable(postgres.table(`${database.schema}.${table}`, { schema: Event, key: 'id' }), {
      pool: database.pool,
    })
  const pin = (table: string, by: PartitionBy, params: AnyRow = {}): Promise<PinnedBounds> =>
    source(table).pin(by, params, signal)

  /** Rows that the plan believes in, and that are there, of each partition. */
  async function counted(table: string, by: PartitionBy): Promise<{ believed: number; true: number }[]> {
    const bounds = await pin(table, by)
    const { column } = bounds as Extract<PinnedBounds, { kind: 'time' }>
    const type = keyKindOf(bounds) === 'time' ? 'timestamptz' : 'int8'
    const found: { believed: number; true: number }[] = []
    for (const { from, to, estimatedRows } of cut(bounds, by)) {
      const { rows: counts } = await database.pool.query<{ count: number }>(
        `select count(*)::int4 as count from ${database.schema}.${table} where ${column} >= $1::${type} and ${column} < $2::${type}`,
        [from, to],
      )
      found.push({ believed: estimatedRows ?? Number.NaN, true: counts[0]?.count ?? 0 })
    }
    return found
  }

  it.each([
    ['small', 5_000],
    ['analysed', 120_000],
    ['unknown', 120_000],
  ])('is cut into partitions of as many rows: %s', async (table, all) => {
    const size = all / 20
    const partitions = await counted(table, partition.byQuantiles('at', { rows: size }))
    expect(partitions.reduce((sum, of) => sum + of.true, 0)).toBe(all)
    expect(partitions.length).toBeGreaterThanOrEqual(18)
    expect(partitions.length).toBeLessThanOrEqual(23)
    for (const of of partitions) expect(of.true).toBeLessThan(1.5 * size)
  })

  it('gives a value that has many rows a partition of its own', async () => {
    const partitions = await counted('analysed', partition.byQuantiles('code', { rows: 10_000 }))
    expect(partitions.reduce((sum, of) => sum + of.true, 0)).toBe(120_000)
    const [largest, second] = partitions.map((of) => of.true).sort((a, b) => b - a)
    expect(largest).toBeGreaterThanOrEqual(40_000)
    expect(largest).toBeLessThan(42_000)
    expect(second).toBeLessThan(15_000)
  })

  it('is planned twice alike, and within bounds', async () => {
    const by = partition.byQuantiles('at', { rows: 1_000, bounds: { from: 'since', to: 'until' } })
    const params = { since: '2024-03-31', until: '2024-04-05' }
    const bounds = await pin('unknown', by, params)
    expect(bounds).toMatchObject({ from: '2024-03-31T00:00:00Z', to: '2024-04-05T00:00:00Z' })
    expect(await pin('unknown', by, params)).toEqual(bounds)
    expect(cut(bounds, by).next().value).toMatchObject({ from: '2024-03-31T00:00:00Z' })
  })

  it('is one partition when it is empty', async () => {
    const by = partition.byQuantiles('at', { rows: 10 })
    const plan = [...cut(await pin('nothing', by), by)]
    expect(plan).toMatchObject([{ index: 0, estimatedRows: 0 }])
    expect(plan[0]?.from).toBe(plan[0]?.to)
  })

  it('names what its partition column has to be', async () => {
    await database.run('create table $schema.documents (id int8 primary key, doc jsonb not null)')
    const table = postgres.table(`${database.schema}.documents`, {
      schema: z.object({ doc: z.unknown() }),
      key: 'id' as never,
    })
    const by = partition.byQuantiles('doc', { rows: 10 })
    await expect(openPostgresTable(table, { pool: database.pool }).pin(by, {}, signal)).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: expect.stringContaining(
        'partition column "doc" is jsonb, not a number, a time, uuid, text, varchar, char, boolean or an enum: name another column',
      ),
    })
  })

  it('is cut along the column in whose order it lies on disk, if that is left to the planner', async () => {
    await database.run(`create table $schema.by_time as select * from $schema.small order by at`)
    await database.run(`alter table $schema.by_time add primary key (id), alter at set not null`)
    await database.run(`create index on $schema.by_time (at); analyze $schema.by_time`)
    expect(await pin('by_time', partition.auto({ rows: 100 }))).toMatchObject({
      column: 'at',
      why: expect.stringMatching(
        /^"at" \(correlation 1\.00\) is the indexed column in whose order the table lies on disk.*the others: "id" \(correlation -?0\.\d\d\)$/,
      ),
    })
    // Nothing is known: the key.
    expect(await pin('unknown', partition.auto())).toMatchObject({ column: 'id' })
  })

  it('is cut along its key, whatever that is, where no column can be computed with', async () => {
    await database.run('create table $schema.texts (code text primary key, n int)')
    await database.run(`insert into $schema.texts select 'c' || i, i from generate_series(1, 100) as i`)
    const table = postgres.table(`${database.schema}.texts`, { schema: z.object({ code: z.string() }), key: 'code' })
    const by = partition.auto({ rows: 30 })
    const bounds = await openPostgresTable(table, { pool: database.pool }).pin(by, {}, signal)
    expect(bounds).toMatchObject({
      ...{ kind: 'key', columns: ['code'], from: '["c1"]', to: 'after ["c99"]' },
      why: 'the key "code": no integer, numeric, time or uuid column leads an index',
    })
    expect([...cut(bounds, by)]).toHaveLength(4)
  })

  it('says what it lacks when no column can be chosen', async () => {
    await database.run('create table $schema.facts (doc jsonb primary key, n int)')
    const table = postgres.table(`${database.schema}.facts`, { schema: z.object({ doc: z.unknown() }), key: 'doc' })
    const choosing = openPostgresTable(table, { pool: database.pool }).pin(partition.auto(), {}, signal)
    await expect(choosing).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      message: `table "${database.schema}.facts" has no integer, numeric, time or uuid column that is not null and leads an index, nor a key in whose order it could be cut: add one, or cut by a column with partition.byQuantiles`,
    })
  })
})
