// Risk: a cut along keys that only the server can order, or at the ends of what a type can hold, leaves out a row or reads
// it twice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { PinnedBounds, PlannedPartition } from '../../src/contract/plan.ts'
import { type PartitionBy, partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { cut, keyKindOf } from '../../src/plan/cut.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()

describe('a table that is cut along its keys', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
  })
  afterAll(() => database.close())

  /** The rows of each partition of the whole table, read in small pages, and their plan. */
  async function readAll(
    table: string,
    columns: Readonly<Record<string, z.ZodType>>,
    key: readonly string[],
    by: PartitionBy,
    params: AnyRow = {},
  ): Promise<{ bounds: PinnedBounds; plan: PlannedPartition[]; rows: AnyRow[][] }> {
    const schema = z.object(columns) as unknown as RowSchema<AnyRow>
    const source = openPostgresTable(postgres.table<AnyRow>(`${database.schema}.${table}`, { schema, key }), {
      pool: database.pool,
      partitionBy: by,
    })
    await source.check(signal)
    const bounds = await source.pin(by, params, signal)
    expect(await source.pin(by, params, signal)).toEqual(bounds)
    const plan = [...cut(bounds, by)]
    const rows: AnyRow[][] = []
    for (const { from, to, locator } of plan) {
      const range = { kind: keyKindOf(bounds), from, to }
      const of: AnyRow[] = []
      for await (const page of source.read({ range, locator }, null, 37, signal)) of.push(...page.rows)
      // Resumed in the middle it gives the rest, and only that.
      for await (const page of source.read({ range, locator }, null, Math.max(1, Math.ceil(of.length / 2)), signal)) {
        const rest: AnyRow[] = []
        for await (const next of source.read({ range, locator }, page.cursor, 50, signal)) rest.push(...next.rows)
        expect(rest).toEqual(of.slice(page.rows.length))
        break
      }
      rows.push(of)
    }
    return { bounds, plan, rows }
  }
  const inOrder = async (table: string, select: string, order: string): Promise<AnyRow[]> =>
    (await database.pool.query<AnyRow>(`select ${select} from ${database.schema}.${table} order by ${order}`)).rows

  it('of several columns, texts and numbers, holds every row once, in the order of the server', async () => {
    await database.run(`
      create table $schema.entries (tenant text not null, id int8 not null, note text, primary key (tenant, id));
      insert into $schema.entries
        select (array['ärger', 'Zebra', 'apfel', 'a"b', '', 'zoo', 'Ö'])[1 + (sqrt(i)::int % 7)], i * 977 % 10007 - 5000, 'n' || i
          from generate_series(1, 4000) as i;
      analyze $schema.entries`)
    const by = partition.byQuantiles(['tenant', 'id'], { rows: 300 })
    const { bounds, plan, rows } = await readAll('entries', { tenant: z.string(), id: z.int() }, ['tenant', 'id'], by)
    expect(bounds).toMatchObject({ kind: 'key', columns: ['tenant', 'id'], estimatedRows: 4_000 })
    expect(plan.length).toBeGreaterThanOrEqual(14)
    expect(plan.length).toBeLessThanOrEqual(15)
    for (const of of rows) expect(of.length).toBeLessThanOrEqual(300)
    expect(rows.flat()).toEqual(await inOrder('entries', 'tenant, id::int4', 'tenant, id'))
  })

  it('of a text that many rows share holds each value whole', async () => {
    await database.run(`
      create table $schema.shared (id int4 primary key, code varchar(20) not null, kind bool not null);
      insert into $schema.shared select i, 'c' || (i % 9), i % 9 = 0 from generate_series(1, 2000) as i;
      create index on $schema.shared (code)`)
    const columns = { id: z.int(), code: z.string() }
    const { rows } = await readAll('shared', columns, ['id'], partition.byQuantiles('code', { rows: 100 }))
    expect(rows.map((of) => new Set(of.map(({ code }) => code)).size)).toEqual(Array.from({ length: 9 }, () => 1))
    expect(rows.flat()).toEqual(await inOrder('shared', 'id, code', 'code, id'))
    const part = partition.byQuantiles('code', { rows: 500, bounds: { from: 'first', to: 'end' } })
    const some = await readAll('shared', columns, ['id'], part, { first: 'c2', end: 'c5' })
    expect(new Set(some.rows.flat().map(({ code }) => code))).toEqual(new Set(['c2', 'c3', 'c4']))
    await expect(readAll('shared', columns, ['id'], part, { first: 'c5', end: 'c2' })).rejects.toMatchObject({
      code: 'PARAMS_INVALID',
      message:
        'params.first is "c5" and params.end is "c2": the first must come before the second in the order of column "code"',
    })
    await expect(readAll('shared', columns, ['id'], part, { first: 7 })).rejects.toMatchObject({
      code: 'PARAMS_INVALID',
      message: 'params.first is 7: must be a text',
    })
  })

  it('of uuids holds every row once, those at the ends too', async () => {
    await database.run(`
      create table $schema.ids (id uuid primary key, n int4 not null);
      insert into $schema.ids select gen_random_uuid(), i from generate_series(1, 1500) as i;
      insert into $schema.ids values ('00000000-0000-0000-0000-000000000000', 0), ('ffffffff-ffff-ffff-ffff-fffffffffffe', -1);
      analyze $schema.ids`)
    const columns = { id: z.string(), n: z.int() }
    for (const by of [
      partition.byQuantiles('id', { rows: 100 }),
      partition.byKey('id', { size: 2n ** 124n }),
      partition.auto({ rows: 100 }),
    ]) {
      const { bounds, plan, rows } = await readAll('ids', columns, ['id'], by)
      expect(bounds).toMatchObject({
        ...{ kind: 'uuid', column: 'id', from: '00000000-0000-0000-0000-000000000000' },
        to: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      })
      expect(plan.length).toBeGreaterThanOrEqual(15)
      for (const of of rows) expect(of.length).toBeLessThan(200)
      expect(rows.flat()).toEqual(await inOrder('ids', 'id, n', 'id'))
    }
    await database.run(`insert into $schema.ids values ('ffffffff-ffff-ffff-ffff-ffffffffffff', -2)`)
    await expect(readAll('ids', columns, ['id'], partition.auto())).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: expect.stringContaining('after which there is nothing'),
    })
  })

  it('of numerics is cut at whole numbers, negative ones too', async () => {
    await database.run(`
      create table $schema.amounts (amount numeric primary key, n int4 not null);
      insert into $schema.amounts select (i - 500) * 1.37 + 0.001, i from generate_series(1, 1000) as i;
      insert into $schema.amounts values (12345678901234567890.5, 0), (-0.5, 1001), (0, 1002)`)
    const columns = { amount: z.string(), n: z.int() }
    const { bounds, rows } = await readAll(
      'amounts',
      columns,
      ['amount'],
      partition.byQuantiles('amount', { rows: 90 }),
    )
    expect(bounds).toMatchObject({ kind: 'integer', from: '-684', to: '12345678901234567891' })
    expect(rows.flat()).toEqual(await inOrder('amounts', 'amount::text, n', 'amounts.amount'))
    await database.run(`insert into $schema.amounts values ('NaN', 0)`)
    await expect(readAll('amounts', columns, ['amount'], partition.auto())).rejects.toMatchObject({
      message: 'column "amount" holds nan, so its values have no bounds: name params as bounds of partitionBy',
    })
  })

  it('of all that int8 can hold reaches the last number', async () => {
    await database.run(`
      create table $schema.far (id int8 primary key);
      insert into $schema.far values (-9223372036854775808), (-1), (0), (42), (9223372036854775806), (9223372036854775807)`)
    for (const by of [partition.byKey('id', { size: 2n ** 61n }), partition.byQuantiles('id', { rows: 2 })]) {
      const { bounds, rows } = await readAll('far', { id: z.bigint() }, ['id'], by)
      expect(bounds).toMatchObject({ from: '-9223372036854775808', to: '9223372036854775808' })
      expect(rows.flat().map(({ id }) => String(id))).toEqual(
        (await inOrder('far', 'id::text', 'far.id')).map(({ id }) => id),
      )
    }
  })

  it('of hashes holds every row once, and equal values together', async () => {
    await database.run(`
      create table $schema.people (id int8 primary key, city text not null);
      insert into $schema.people select i, 'city ' || (i % 40) from generate_series(1, 1200) as i;
      create index on $schema.people (hashtextextended(city::text, 0), id)`)
    const columns = { id: z.int(), city: z.string() }
    const { plan, rows } = await readAll('people', columns, ['id'], partition.byHash('city', { partitions: 8 }))
    expect(plan).toHaveLength(8)
    expect(new Set(rows.flat().map(({ id }) => id)).size).toBe(1_200)
    expect(rows.flat()).toHaveLength(1_200)
    const cities = rows.map((of) => new Set(of.map(({ city }) => city)))
    expect(cities.reduce((sum, { size }) => sum + size, 0)).toBe(40)
  })

  it('of a list holds the rows with its values, and no others', async () => {
    await database.run(`
      create table $schema.wanted (id int8 primary key, code text not null);
      insert into $schema.wanted select i, 'c' || i % 50 from generate_series(1, 500) as i;
      create index on $schema.wanted (code)`)
    const columns = { id: z.int(), code: z.string() }
    const params = { codes: ['c7', 'c49', 'c7', 'c3', 'none', 'c10'] }
    const by = partition.byList('code', { values: 'codes', size: 2 })
    const { plan, rows } = await readAll('wanted', columns, ['id'], by, params)
    expect(plan).toHaveLength(3)
    expect(rows.flat()).toHaveLength(40)
    expect(new Set(rows.flat().map(({ code }) => code))).toEqual(new Set(['c7', 'c49', 'c3', 'c10']))
    const byId = partition.byList('id', { values: 'ids' })
    const some = await readAll('wanted', columns, ['id'], byId, { ids: [500, '3', 3, 77n, 9_000] })
    expect(some.rows.flat().map(({ id }) => id)).toEqual([3, 77, 500])
    expect((await readAll('wanted', columns, ['id'], byId, { ids: [] })).rows.flat()).toEqual([])
    for (const [ids, message] of [
      ['3', 'params.ids is "3": must be a list of texts or numbers'],
      [[1, null], 'params.ids[1] is null: must be a text or a number'],
      [['1', 'x'], 'params.ids has a value that is none of column "id", which is bigint'],
    ])
      await expect(readAll('wanted', columns, ['id'], byId, { ids })).rejects.toMatchObject({
        code: 'PARAMS_INVALID',
        message: expect.stringContaining(String(message)),
      })
  })

  it('of ranges that the definition gives holds every row once', async () => {
    await database.run(`
      create table $schema.given (id int4 primary key);
      insert into $schema.given select i from generate_series(10, 300) as i`)
    const by = partition.custom('id', {
      ranges: ({ from, to }) => [
        { from, to: '11', estimatedRows: 1 },
        { from: '11', to: '250' },
        { from: '250', to },
      ],
    })
    const { rows } = await readAll('given', { id: z.int() }, ['id'], by)
    expect(rows.map((of) => of.length)).toEqual([1, 239, 51])
  })

  it.each([
    ['no row', ''],
    ['one row', "values ('only', 7)"],
    ['one key', "select 'same', i from generate_series(1, 50) as i"],
  ])('with %s is planned all the same', async (_what, values) => {
    await database.run(
      'drop table if exists $schema.tiny; create table $schema.tiny (tenant text not null, id int4 primary key)',
    )
    if (values !== '') await database.run(`insert into $schema.tiny ${values}`)
    const columns = { tenant: z.string(), id: z.int() }
    for (const by of [
      partition.byQuantiles('tenant', { rows: 3 }),
      partition.byQuantiles(['tenant', 'id'], { rows: 100 }),
      partition.byQuantiles('id', { rows: 100 }),
      partition.byHash('tenant', { partitions: 1 }),
    ]) {
      const { plan, rows } = await readAll('tiny', columns, ['id'], by)
      expect(plan).toHaveLength(1)
      expect(rows.flat()).toEqual(await inOrder('tiny', 'tenant, id', 'tenant, id'))
    }
  })

  it('which is a view, or has partitions of its own, is looked at like any other', async () => {
    await database.run(`
      create table $schema.parts (tenant text not null, id int4 not null, primary key (tenant, id)) partition by hash (tenant);
      create table $schema.parts_0 partition of $schema.parts for values with (modulus 2, remainder 0);
      create table $schema.parts_1 partition of $schema.parts for values with (modulus 2, remainder 1);
      insert into $schema.parts select 't' || (i % 30), i from generate_series(1, 900) as i; analyze $schema.parts`)
    const by = partition.byQuantiles(['tenant', 'id'], { rows: 100 })
    const { plan, rows } = await readAll('parts', { tenant: z.string(), id: z.int() }, ['tenant', 'id'], by)
    expect(plan).toHaveLength(9)
    expect(rows.flat()).toEqual(await inOrder('parts', 'tenant, id', 'tenant, id'))
  })

  it('says what is wrong with its key or its partition columns, all at once', async () => {
    await database.run(`
      create collation if not exists $schema.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table $schema.odd (id int4, part int4, loose text collate $schema.loose not null, doc jsonb not null, maybe text,
                                unique (id, part))`)
    const columns = { id: z.int() }
    await expect(
      readAll('odd', columns, ['id', 'part'], partition.byQuantiles(['loose', 'doc', 'maybe'], { rows: 5 })),
    ).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      reasons: [
        expect.stringContaining(
          'key "id", "part" have not not null on "id", "part": add that, or name columns that have',
        ),
        expect.stringContaining('partition column "loose" has a collation under which different texts are equal'),
        expect.stringContaining('partition column "doc" is jsonb, not a number, a time, uuid, text'),
        expect.stringContaining('partition columns "maybe" can be null: of several columns each must be not null'),
      ],
    })
    await expect(
      readAll('entries', { id: z.int() }, ['id'], partition.byKey('tenant', { size: 5 })),
    ).rejects.toMatchObject({
      reasons: [
        expect.stringContaining('key "id" has not a unique index on it alone: add that, or name a column that has'),
        expect.stringContaining(
          'partition column "tenant" is text, not int2, int4, int8, numeric or uuid: use partition.byQuantiles',
        ),
      ],
    })
  })

  it('is not cut into more keys than a plan can carry', async () => {
    await database.run(`
      create table $schema.many (code text primary key);
      insert into $schema.many select 'c' || i from generate_series(1, 10_001) as i`)
    const by = (rows: number): PartitionBy => partition.byQuantiles('code', { rows })
    const columns = { code: z.string() }
    await expect(readAll('many', columns, ['code'], by(1))).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      message:
        'partitions of 1 rows would be more than 10,000 along code, the most that keys of this kind are cut into: about 2 rows a partition are right',
    })
    expect((await readAll('many', columns, ['code'], by(1_000))).plan).toHaveLength(11)
  })
})
