// Risk: a dry run that writes, locks or leaves something, or that tells another plan than the planner makes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PlanReport } from '../../src/contract/plan-report.ts'
import { definitionHash, describeBackfill } from '../../src/define/describe.ts'
import type { DiscoveredBackfill } from '../../src/define/discover.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import type { PostgresTableSource } from '../../src/define/source-definition.ts'
import { type DryRunDeps, type DryRunOptions, dryRun } from '../../src/dry-run/dry-run.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { cut } from '../../src/plan/cut.ts'
import { outlinePlan } from '../../src/plan/plan-hash.ts'
import { openPostgresInsert } from '../../src/sink/postgres-insert.ts'
import { openPostgresUpsert } from '../../src/sink/postgres-upsert.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()
const Row = z.object({ id: z.int(), name: z.string() })
const rows = 20_000

describe('a dry run', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
    await database.run(
      `create table $schema.source as select i as id, 'name ' || i as name from generate_series(1, ${rows}) i`,
    )
    await database.run('alter table $schema.source add primary key (id); analyze $schema.source')
    await database.run(
      'create table $schema.target (id int8 primary key, name text not null check (length(name) < 20))',
    )
    await database.run(`insert into $schema.target values (7, 'was here')`)
  })
  afterAll(() => database.close())

  function discovered(kind: 'insert' | 'upsert', given: { table?: string } = {}): DiscoveredBackfill {
    const table = `${database.schema}.${given.table ?? 'target'}`
    const backfill = defineBackfill({
      id: 'names',
      params: z.object({ from: z.int().default(1), to: z.int().default(rows + 1) }),
      source: postgres.table(`${database.schema}.source`, { schema: Row, key: 'id' }),
      partitionBy: partition.byKey('id', { size: 2_000, bounds: { from: 'from', to: 'to' } }),
      sink:
        kind === 'insert'
          ? postgres.insert(table, { schema: Row, range: 'id' })
          : postgres.upsert(table, { schema: Row, key: ['id'] }),
      limits: { chunkRows: 500 },
    })
    return { backfill, file: '/a.ts', folder: '/', hash: definitionHash(describeBackfill({ backfill })) }
  }

  async function report(
    found: DiscoveredBackfill,
    options: Partial<DryRunOptions> = {},
    live: Awaited<ReturnType<DryRunDeps['liveRunOn']>> = null,
  ): Promise<PlanReport> {
    const { source, sink, partitionBy } = found.backfill
    const deps = { pool: database.pool, schema: `${database.schema}_tracking`, leaseMs: 1_000, isUntracked: true }
    const told = await dryRun(
      {
        source: openPostgresTable(source as PostgresTableSource<AnyRow>, { pool: database.pool, partitionBy }),
        sink: sink.kind === 'postgres.insert' ? openPostgresInsert(sink, deps) : openPostgresUpsert(sink, deps),
        earlier: { runsOn: async () => [], earlierPartitions: async () => [] },
        liveRunOn: async () => live,
        random: () => 0.5,
      },
      found,
      { params: {}, reprocess: 'all', lists: 'largest', workers: { count: 1, slots: 2 }, ...options },
      signal,
    )
    expect(PlanReport.parse(JSON.parse(JSON.stringify(told)))).toEqual(told)
    return told
  }

  /** All that a dry run might leave behind. */
  const traces = async (): Promise<unknown> => {
    const { rows: found } = await database.pool.query(
      `select (select json_agg(t) from ${database.schema}.target t) as target,
              (select count(*) from pg_class where relname like 'tidemark_rehearsal%') as temporary,
              (select count(*) from pg_namespace where nspname = '${database.schema}_tracking') as schemas,
              (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = '${database.schema}') as relations`,
    )
    return found
  }

  for (const kind of ['insert', 'upsert'] as const)
    it(`tells the plan that the planner makes, and its price, and leaves nothing: ${kind}`, async () => {
      const before = await traces()
      const found = discovered(kind)
      const told = await report(found)
      expect(told).toMatchObject({
        ...{ version: 1, backfill: 'names', partitions: 10, conflicts: [], why: null, params: {} },
        range: { kind: 'integer', from: '1', to: `${rows + 1}` },
        rule: `rows whose id is from 1 to before ${rows + 1}: those above belong to a later run`,
        rows: { total: expect.closeTo(rows, -3), skew: expect.closeTo(1, 0) },
        forecast: { workers: 1, slots: 2, probedChunks: 12, probedRows: 6_000 },
      })
      expect(told.listed).toHaveLength(5)
      const bounds = { kind: 'integer' as const, column: 'id', from: '1', to: `${rows + 1}`, estimatedRows: null }
      const { planHash } = await outlinePlan(found.hash, bounds, cut(bounds, found.backfill.partitionBy), signal)
      expect(told.planId).toBe(planHash)
      expect(await traces()).toEqual(before)
    })

  it('lists every partition when asked, and probes nothing when not', async () => {
    const told = await report(discovered('insert'), { lists: 'all', workers: null })
    expect(told.listed.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(told.forecast).toBeNull()
  })

  it('names a live run on the target', async () => {
    const live = { id: '0190b0a0-0000-7000-8000-000000000000', backfill: 'others', state: 'paused' } as const
    expect((await report(discovered('insert'), { workers: null }, live)).conflicts).toEqual([
      `run ${live.id} of backfill "others" is paused on the same target: wait until it has ended`,
    ])
  })

  it('tells everything that is wrong at once', async () => {
    const broken = report(discovered('insert', { table: 'targte' }), { params: { from: 'a' } })
    await expect(broken).rejects.toMatchObject({
      reasons: [
        'params.from: Invalid input: expected number, received string, got "a"',
        expect.stringContaining(`table ${database.schema}.targte does not exist`),
      ],
    })
  })

  it('finds what the target refuses before the run does', async () => {
    await database.run(`create table $schema.strict (id int8, name text not null check (length(name) < 4))`)
    await expect(report(discovered('insert', { table: 'strict' }))).rejects.toMatchObject({ code: 'ROW_INVALID' })
  })
})
