// What the bench backfills: rows that are counted and can be told apart, from one table into another, in a schema,
// topics and a folder that nothing else uses.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { control, sinkTables } from '../../src/compose/pools.ts'
import { applyTopics } from '../../src/compose.ts'
import { withAdmin } from '../../src/kafka/client.ts'
import { topicCatalog, topicName } from '../../src/kafka/topic-catalog.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import { type Config, readConfig } from '../../src/process/config.ts'
import { silentLog } from '../support/silent-log.ts'
import type { BenchStack } from './bench-stack.ts'

export interface Shape {
  readonly partitions: number
  readonly chunksPerPartition: number
  readonly chunkRows: number
}

/** One backfill of the world, named by the table it fills. */
export interface WorldBackfill {
  readonly id: string
  readonly table: string
  readonly rows: number
  readonly shape: Shape
  /** The rows that are to be in the table. */
  readonly expected: string
}

export interface WorldOptions {
  readonly name: string
  readonly backfills: Readonly<Record<string, Shape>>
  /** How long each chunk's first row holds it up. */
  readonly pauseMs: number
  readonly sessionTimeoutMs: number
  readonly leaseMs: number
  /** The tables refuse one row of 97. */
  readonly refuses?: boolean
  /** Environment variables of the roles besides. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface World {
  readonly name: string
  readonly folder: string
  readonly backfills: readonly WorldBackfill[]
  readonly pauseMs: number
  readonly chunkRows: number
  /** For this process, which no fault hits. */
  readonly config: Config
  readonly pool: Pool
  /** For a role that reaches Postgres at a port. */
  env(postgresPort: number): NodeJS.ProcessEnv
  sql<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>
  remove(): Promise<void>
}

/** Of each thousand source rows about 143 are left out by the transform, and 8 are refused. */
const expectedRows = (rows: number, refuses: boolean): string =>
  `select n as id, n * 3 as amount, 'row ' || n as name from generate_series(0::bigint, ${rows - 1}) as n
    where ${isWritten}${refuses ? ` and not (${isRefusedBySink})` : ''}`
const isFiltered = `n % 7 = 3`
const isRefused = `n % 101 = 50`
const isRefusedBySink = `n % 97 = 13`
const isWritten = `not (${isFiltered}) and not (${isRefused})`

/** The servers of a world. */
export type Servers = Pick<BenchStack, 'folder' | 'kafkaBrokers' | 'databaseUrl'>

export async function createWorld(stack: Servers, options: WorldOptions): Promise<World> {
  const { name, pauseMs, refuses = false } = options
  const schema = `w_${name.replaceAll(/[^a-z0-9]+/g, '_')}`.slice(0, 45)
  const folder = join(stack.folder, 'cells', name)
  const definitions = join(folder, 'definitions')
  mkdirSync(definitions, { recursive: true })
  const env = (postgresPort: number | null): NodeJS.ProcessEnv => {
    const url = new URL(stack.databaseUrl)
    if (postgresPort !== null) url.port = String(postgresPort)
    return {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: stack.kafkaBrokers,
      DATABASE_URL: url.href,
      LOG_LEVEL: 'info',
      TIDEMARK_TOPIC_PREFIX: name,
      TIDEMARK_SCHEMA: schema,
      TIDEMARK_DEFINITIONS: definitions,
      TIDEMARK_SESSION_TIMEOUT_MS: String(options.sessionTimeoutMs),
      TIDEMARK_LEASE_MS: String(options.leaseMs),
      ...options.settings,
    }
  }
  const config = readConfig(env(null))
  const pool = openPool({ connectionString: stack.databaseUrl, applicationName: 'bench', max: 4, log: silentLog })
  const backfills = Object.entries(options.backfills).map(([id, shape]): WorldBackfill => {
    const rows = shape.partitions * shape.chunksPerPartition * shape.chunkRows
    return {
      id,
      table: `${schema}_sink.${id.replaceAll('-', '_')}`,
      rows,
      shape,
      expected: expectedRows(rows, refuses),
    }
  })
  await Promise.all([applyTopics(config, silentLog), createTables(pool, schema, backfills, refuses)])
  for (const backfill of backfills) writeFileSync(join(definitions, `${backfill.id}.ts`), definitionOf(backfill))
  return {
    ...{ name, folder, backfills, pauseMs, config, pool, env },
    chunkRows: Math.max(...backfills.map(({ shape }) => shape.chunkRows)),
    sql: async <Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]) =>
      (await query<Row>(pool, text.replaceAll(':schema', schema), values)).rows,
    remove: async () => {
      await query(pool, `drop schema ${schema} cascade`)
      await query(pool, `drop schema ${schema}_sink cascade`)
      await pool.end()
      await withAdmin(config, silentLog, (admin) =>
        admin.deleteTopics({ topics: topicCatalog.map((topic) => topicName(config.topicPrefix, topic.name)) }),
      )
    },
  }
}

async function createTables(
  pool: Pool,
  schema: string,
  backfills: readonly WorldBackfill[],
  refuses: boolean,
): Promise<void> {
  await migrate(pool, { schema, ...control })
  await migrate(pool, { schema, ...sinkTables })
  await query(pool, auditSql.replaceAll(':schema', schema))
  // Without a key in the sink: a row written twice must be seen, not refused.
  const statements = backfills.map(
    ({ table }) => `
      create table ${table} (id bigint not null, amount bigint not null, name text not null);
      ${refuses ? `alter table ${table} add check (not (${isRefusedBySink.replace('n', 'id')}));` : ''}
      create index on ${table} (id);`,
  )
  const [first] = backfills
  if (first === undefined || backfills.some(({ rows }) => rows !== first.rows))
    throw new TypeError('the backfills of a world read one source, all of it')
  await query(
    pool,
    `create schema ${schema}_sink;
     create table ${schema}_sink.source (id bigint primary key, amount bigint not null, name text not null);
     insert into ${schema}_sink.source select n, n, 'row ' || n from generate_series(0, ${first.rows - 1}) as n;
     analyze ${schema}_sink.source;
     ${statements.join('')}`,
  )
}

/** Writes down every change of a checkpoint row and every chunk, in the transaction that makes it: what came first is told apart. */
const auditSql = `
  create table :schema.audit (
    n bigserial primary key, what text not null, partition_id uuid not null, epoch bigint not null,
    sequence bigint not null, cursor text, state text not null, holder text not null,
    at timestamptz not null default clock_timestamp());
  create function :schema.audit_checkpoint() returns trigger language plpgsql as $$ begin
    insert into :schema.audit (what, partition_id, epoch, sequence, cursor, state, holder)
    values (tg_op, new.partition_id, new.epoch, new.sequence, new.cursor, new.state, new.holder);
    return null; end $$;
  create trigger audit after insert or update on :schema.checkpoint
    for each row execute function :schema.audit_checkpoint();
  create function :schema.audit_chunk() returns trigger language plpgsql as $$ begin
    insert into :schema.audit (what, partition_id, epoch, sequence, cursor, state, holder)
    values ('CHUNK', new.partition_id, new.epoch, new.sequence, new.through_cursor, '', '');
    return null; end $$;
  create trigger audit after insert on :schema.chunk for each row execute function :schema.audit_chunk();`

const definitionOf = ({ id, table, rows, shape }: WorldBackfill): string => `
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { postgres } from 'tidemark/postgres'

const Row = z.object({ id: z.bigint(), amount: z.bigint(), name: z.string() })

export default defineBackfill({
  id: '${id}',
  params: z.object({ pauseMs: z.int() }),
  source: postgres.table('${table.split('.')[0]}.source', { schema: Row, key: 'id' }),
  partitionBy: partition.byKey('id', { size: ${shape.chunksPerPartition * shape.chunkRows} }),
  transform: async (row, ctx) => {
    if (row.id % ${shape.chunkRows}n === 0n && ctx.params.pauseMs > 0) await sleep(ctx.params.pauseMs)
    if (row.id % 7n === 3n) return ctx.skip('left out')
    if (row.id % 101n === 50n) throw new Error('refused')
    return { ...row, amount: row.amount * 3n }
  },
  sink: postgres.insert('${table}', { schema: Row, range: 'id' }),
  limits: { chunkRows: ${shape.chunkRows}, maxRejectedRows: ${rows} },
})
`
