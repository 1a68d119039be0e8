import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { z } from 'zod'
import type { AnyRow } from '../../src/define/row-schema.ts'
import type { SinkDefinition } from '../../src/define/sink-definition.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool } from '../../src/postgres/pool.ts'
import { openPostgresInsert } from '../../src/sink/postgres-insert.ts'
import { openPostgresUpsert } from '../../src/sink/postgres-upsert.ts'
import type { Sink } from '../../src/sink/sink.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import type { SinkHarness } from './sink.ts'

export const sinkMigrations: URL = new URL('../../src/sink/migrations/', import.meta.url)

/** A schema of its own with Tidemark's tables, and a pool. */
export interface TestSchema {
  readonly pool: Pool
  readonly schema: string
  drop(): Promise<void>
}

export async function createTestSchema(max = 12): Promise<TestSchema> {
  const schema = `test_${randomUUID().slice(0, 8)}`
  const pool = openPool({ connectionString: inject('DATABASE_URL'), applicationName: schema, max, log: silentLog })
  await migrate(pool, { schema, component: 'sink', folder: sinkMigrations })
  return {
    pool,
    schema,
    async drop() {
      await pool.query(`drop schema ${schema} cascade`)
      await pool.end()
    },
  }
}

/** The real sink over a table in a schema of its own; chunks are stopped by a trigger that waits for an advisory lock. */
export async function postgresHarness(kind: 'insert' | 'upsert'): Promise<SinkHarness> {
  const { pool, schema, drop } = await createTestSchema()
  const table = `${schema}.target`
  const lock = Math.floor(Math.random() * 2 ** 31)
  await pool.query(`
    create table ${table} (id int8 primary key, at timestamptz not null, name text constraint nothing_refused check (name <> 'refused'));
    create function ${schema}.wait() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(${lock}); return null; end $$;
    create trigger wait after insert on ${table} for each statement execute function ${schema}.wait()`)
  const zod = z.object({ id: z.int(), at: z.date(), name: z.string().nullable() })
  const base = { table, schema: zod, range: 'id', database: 'DATABASE_URL' }
  return {
    open: (leaseMs): Sink => {
      const deps = { pool, schema, leaseMs }
      return kind === 'insert'
        ? openPostgresInsert({ kind: 'postgres.insert', ...base }, deps)
        : openPostgresUpsert({ kind: 'postgres.upsert', ...base, key: ['id'] }, deps)
    },
    async rows(from, to) {
      const sql = `select id::int, at, name from ${table} where id >= $1 and id < $2 order by id`
      const { rows } = await pool.query<{ id: number; at: Date; name: string | null }>(sql, [from, to])
      return rows.map(({ id, at, name }) => ({ id, at: at.toISOString(), name }))
    },
    async insert(id) {
      await pool.query(`insert into ${table} values ($1, now(), 'not ours')`, [id])
    },
    async change(id, name) {
      await pool.query(`update ${table} set name = $2 where id = $1`, [id, name])
    },
    async remove(id) {
      await pool.query(`delete from ${table} where id = $1`, [id])
    },
    async removeChunk(partitionId, sequence) {
      await pool.query(`delete from ${schema}.chunk where partition_id = $1 and sequence = $2`, [partitionId, sequence])
    },
    async chunks(partitionId) {
      const sql = `select epoch::int, sequence::int, after_cursor as after, through_cursor as through
                     from ${schema}.chunk where partition_id = $1 order by sequence`
      return (await pool.query(sql, [partitionId])).rows
    },
    async rejected(partitionId) {
      const sql = `select position, reason, row from ${schema}.rejected_row where partition_id = $1 order by sequence, ordinal`
      return (await pool.query(sql, [partitionId])).rows
    },
    async lockCheckpoint(partitionId) {
      const locker = await pool.connect()
      await locker.query('begin')
      await locker.query(`select from ${schema}.checkpoint where partition_id = $1 for update`, [partitionId])
      return async () => {
        await locker.query('rollback')
        locker.release()
      }
    },
    async stopWrites() {
      const stopper = await pool.connect()
      await stopper.query('select pg_advisory_lock($1)', [lock])
      const standing = `select pid from pg_locks where locktype = 'advisory' and not granted and objid = ${lock}`
      const waiting = `select pid from pg_stat_activity where application_name = '${schema}' and wait_event_type = 'Lock'
                          and query like '%insert into%checkpoint as c%'`
      const found = async (what: string, sql: string): Promise<void> => {
        await eventually(what, async () => ((await pool.query(sql)).rowCount === 1 ? true : undefined), 10_000)
      }
      return {
        reached: () => found('a chunk in the middle of its transaction', standing),
        claimWaits: () => found('a claim behind the transaction', waiting),
        async release() {
          await stopper.query('select pg_advisory_unlock($1)', [lock])
          stopper.release()
        },
        async kill() {
          await pool.query(`select pg_terminate_backend(pid) from (${standing}) as chunk`)
        },
      }
    },
    close: drop,
  }
}

/** An insert sink over a table with the given columns, its range column `id`. */
export function insertSink({ pool, schema }: TestSchema, table: string, row: z.ZodType<AnyRow>): Sink {
  const definition: SinkDefinition<AnyRow> & { kind: 'postgres.insert' } = {
    kind: 'postgres.insert',
    table: `${schema}.${table}`,
    schema: row,
    range: 'id',
    database: 'DATABASE_URL',
  }
  return openPostgresInsert(definition, { pool, schema, leaseMs: 60_000 })
}
