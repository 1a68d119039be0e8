import { randomUUID } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { z } from 'zod'
import type { DeadLetterMessage } from '../../src/contract/dead-letter.ts'
import { noSettings, type Settings } from '../../src/contract/settings.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { type Backfill, defineBackfill } from '../../src/define/define-backfill.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import { openPool, type Pool } from '../../src/postgres/pool.ts'
import type { Log } from '../../src/process/log.ts'
import { openPostgresInsert } from '../../src/sink/postgres-insert.ts'
import { openPostgresUpsert } from '../../src/sink/postgres-upsert.ts'
import type { StoredCheckpoint } from '../../src/sink/sink.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import type { OpenBackfill } from '../../src/work/hold-partition.ts'
import { createPace } from '../../src/work/pace.ts'
import type { RetryPolicy } from '../../src/work/retry.ts'
import { type RunTaskDeps, runTask, type TaskOutcome } from '../../src/work/run-task.ts'
import { TaskMemory } from '../../src/work/task-memory.ts'
import { createTestSchema } from '../conformance/sink-postgres.ts'

export const SourceRow = z.object({ id: z.int(), n: z.int(), email: z.string() })
export const SinkRow = z.object({ id: z.int(), n: z.int().nullable(), email: z.string() })

export interface OneTaskOptions {
  readonly rows: number
  readonly kind?: 'insert' | 'upsert'
  readonly transform?: Backfill['transform']
  readonly limits?: Parameters<typeof defineBackfill>[0]['limits']
  readonly redact?: readonly ('email' | 'n')[]
  /** What the run is tuned to, now. */
  readonly settings?: () => Settings
  /** Columns and constraints of the target behind `id int8, n int4, email text`. */
  readonly target?: string
  /** Set on every session of the worker. */
  readonly session?: string
  /** The worker connects as a role of its own, which may do what is needed. */
  readonly ownRole?: boolean
  readonly retry?: Partial<RetryPolicy>
}

export interface OneTask {
  readonly schema: string
  readonly task: TaskMessage
  readonly memory: TaskMemory
  readonly events: StatusEvent[]
  readonly letters: DeadLetterMessage[]
  /** Runs that were asked to be parked. */
  readonly parked: string[]
  /** Everything that was logged, as text. */
  readonly logged: string[]
  /** One try. */
  try(): Promise<TaskOutcome>
  /** Tries until it does not rest any more, without waiting; `outcomes` has them all. */
  untilDone(most?: number): Promise<TaskOutcome>
  readonly outcomes: TaskOutcome[]
  checkpoint(): Promise<StoredCheckpoint | undefined>
  sql<Row extends Record<string, unknown>>(text: string): Promise<readonly Row[]>
  /** Another session takes the target for itself, until the returned function is called. */
  lockTarget(): Promise<() => Promise<void>>
  /** For changes to what it works with. */
  readonly opened: { current: OpenBackfill }
  readonly deps: RunTaskDeps
  /** The role of the worker. */
  readonly role: string
}

/** One task of a backfill from table to table, on real servers, in a schema of its own; row i has n = i and an email. */
export async function oneTask(options: OneTaskOptions): Promise<OneTask> {
  const own = await createTestSchema(6)
  const { schema } = own
  const role = `${schema}_role`
  const sql: OneTask['sql'] = async (text) => (await own.pool.query(text.replaceAll(':schema', schema))).rows as never
  await sql(`
    create table :schema.source (id int8 primary key, n int4 not null, email text not null);
    insert into :schema.source select i, i, 'person-' || i || '@example.com' from generate_series(0, ${options.rows - 1}) as i;
    create table :schema.target (id int8, n int4, email text${options.target ?? ''})`)
  if (options.ownRole === true)
    await sql(`
      create role ${role} login; grant usage on schema :schema to ${role};
      grant select, insert, update, delete on all tables in schema :schema to ${role}`)
  const pool = workerPool(options, role, schema)
  onTestFinished(async () => {
    await pool.end()
    if (options.ownRole === true) await sql(`drop owned by ${role}; drop role ${role}`)
    await own.drop()
  })

  const backfill: Backfill = {
    ...defineBackfill({
      id: 'people',
      source: postgres.table(`${schema}.source`, { schema: SourceRow, key: 'id' }),
      partitionBy: partition.byKey('id', { size: 1_000_000 }),
      sink: postgres.insert(`${schema}.target`, { schema: SinkRow, range: 'id' }),
      limits: { chunkRows: 100, ...options.limits },
      redact: options.redact ?? [],
    }),
    transform: options.transform ?? null,
  }
  const sinkDeps = {
    ...{ pool, schema, leaseMs: 60_000, redact: backfill.redact },
    limits: { rowBytes: backfill.limits.maxRowBytes, chunkBytes: backfill.limits.maxChunkBytes },
  }
  const target = { table: `${schema}.target`, schema: SinkRow, range: 'id', database: 'DATABASE_URL' }
  const opened: OneTask['opened'] = {
    current: {
      backfill,
      hash: 'h',
      source: openPostgresTable(backfill.source as Parameters<typeof openPostgresTable>[0], { pool }),
      sink:
        options.kind === 'upsert'
          ? openPostgresUpsert({ kind: 'postgres.upsert', ...target, key: ['id'] }, sinkDeps)
          : openPostgresInsert({ kind: 'postgres.insert', ...target }, sinkDeps),
    },
  }
  const task: TaskMessage = {
    ...{ version: 1, runId: randomUUID(), partitionId: randomUUID(), index: 0, backfill: 'people', params: {} },
    ...{ definitionHash: 'h', range: { kind: 'integer', from: '0', to: '1000000' }, locator: { column: 'id' } },
    ...{ reason: 'planned', publishedAt: new Date().toISOString() },
  }
  const events: StatusEvent[] = []
  const letters: DeadLetterMessage[] = []
  const parked: string[] = []
  const logged: string[] = []
  const outcomes: TaskOutcome[] = []
  const deps: RunTaskDeps = {
    open: async () => opened.current,
    tell: async (told) => void events.push(...told),
    deadLetters: { publish: async (told) => void letters.push(...told) },
    parkRun: async (runId) => void parked.push(runId),
    within: (_task, work) => work(),
    pace: createPace({
      settingsOf: () => options.settings?.() ?? noSettings,
      share: () => 1,
      nowMs: () => performance.now(),
    }),
    ...{ leaseMs: 60_000, countRead: () => {}, mayClaim: () => true, worker: 'worker-1', taskTopic: 'tidemark.tasks' },
    ...{
      retry: { maxAttempts: 3, baseMs: 100, capMs: 1_000, ...options.retry },
      random: () => 1,
      now: () => new Date(),
    },
    log: keptLog(logged),
  }
  const memory = new TaskMemory()
  const signal = new AbortController().signal
  const once = async (): Promise<TaskOutcome> => {
    const outcome = await runTask(deps, task, { topicPartition: 3, offset: 42n }, memory, signal, () => {})
    outcomes.push(outcome)
    return outcome
  }
  return {
    ...{ schema, role, task, memory, events, letters, parked, logged, outcomes, sql, opened, deps, try: once },
    untilDone: async (most = 100) => {
      for (let tries = 0; tries < most; tries += 1) {
        const outcome = await once()
        if (typeof outcome === 'string') return outcome
      }
      throw new Error(`the task still rests after ${most} tries: ${logged.at(-1)}`)
    },
    lockTarget: async () => {
      const locker = await own.pool.connect()
      await locker.query(`begin; lock table ${schema}.target in access exclusive mode`)
      return async () => {
        await locker.query('rollback')
        locker.release()
      }
    },
    checkpoint: async () => (await opened.current.sink.checkpoints(task.runId))[0],
  }
}

function workerPool({ ownRole, session }: OneTaskOptions, role: string, schema: string): Pool {
  const url = new URL(inject('DATABASE_URL'))
  if (ownRole === true) url.username = role
  const pool = openPool({ connectionString: url.href, applicationName: schema, max: 4, log: keptLog([]) })
  // After the settings of every session, and before it is lent for the first time.
  if (session !== undefined) pool.on('connect', (client) => void client.query(session))
  return pool
}

function keptLog(lines: string[]): Log {
  const keep = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }))
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log }
  return log
}
