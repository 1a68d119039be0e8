// Risk: a connection that breaks at the worst moment is taken for success or failure, or is used again.
import { randomUUID } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { noTotals } from '../../src/contract/certificate.ts'
import { noSettings } from '../../src/contract/settings.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { files } from '../../src/entry/files.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { openPool, type Pool, query, withTransaction } from '../../src/postgres/pool.ts'
import type { Source } from '../../src/source/source.ts'
import { intentChanged } from '../../src/work/intents.ts'
import { createPace } from '../../src/work/pace.ts'
import { defaultRetryPolicy } from '../../src/work/retry.ts'
import { runTask, type TaskOutcome } from '../../src/work/run-task.ts'
import { TaskMemory } from '../../src/work/task-memory.ts'
import { createTestSchema, insertSink, type TestSchema } from '../conformance/sink-postgres.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

let own: TestSchema
beforeAll(async () => {
  own = await createTestSchema(4)
  await own.pool.query(`create table ${own.schema}.target (id int8 primary key)`)
})
afterAll(() => own.drop())

/** Passes bytes on both ways; cuts the client off when it sends COMMIT, before or after the server has got it. */
async function startProxy(
  cut: 'before' | 'after',
): Promise<{ url: string; armed: { on: boolean }; close(): Promise<void> }> {
  const target = new URL(inject('DATABASE_URL'))
  const sockets = new Set<Socket>()
  const armed = { on: false }
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    upstream.on('data', (data) => client.writable && client.write(data))
    upstream.on('close', () => client.destroy())
    client.on('close', () => {
      if (!armed.on || cut === 'before') upstream.destroy()
    })
    client.on('data', (data) => {
      if (!armed.on || !data.includes('commit\0')) {
        upstream.write(data)
        return
      }
      if (cut === 'before') upstream.destroy()
      else upstream.end(data)
      client.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(target)
  url.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return {
    url: url.href,
    armed,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each(['before', 'after'] as const)('the connection breaks %s COMMIT reached the server', (cut) => {
  test('the outcome is unknown, and the next claim says what happened', async () => {
    const proxy = await startProxy(cut)
    const pool = openPool({ connectionString: proxy.url, applicationName: 'cut off', max: 2, log: silentLog })
    const holding = {
      runId: randomUUID(),
      partitionId: randomUUID(),
      backfill: 'orders',
      index: 0,
      range: { kind: 'integer', from: '0', to: '10' } as const,
      worker: 'worker-1',
      topicPartition: 0,
    }
    try {
      const sink = insertSink({ ...own, pool }, 'target', z.object({ id: z.int() }))
      const claim = await sink.claim(holding)
      if (claim.kind !== 'claimed') throw new Error(claim.kind)
      const buffer = sink.buffer(holding.range)
      buffer.add({ id: 5 })
      const added = { ...noTotals, rowsRead: 1, rowsWritten: 1, chunks: 1, contentHash: buffer.contentHash.toString() }
      proxy.armed.on = true
      const chunk = {
        holding,
        before: claim.checkpoint,
        to: '10',
        cursor: '5',
        last: false,
        added,
        buffer,
        rejected: [],
      }
      await expect(sink.commit(chunk)).rejects.toMatchObject({ name: 'RetryableError', code: 'OUTCOME_UNKNOWN' })
      proxy.armed.on = false
      const again = await sink.claim(holding)
      const { rows } = await own.pool.query(`select id::int from ${own.schema}.target`)
      const happened = cut === 'after'
      expect(again).toMatchObject({
        kind: 'claimed',
        checkpoint: { epoch: 2, cursor: happened ? '5' : null, sequence: happened ? 1 : 0 },
      })
      expect(rows).toEqual(happened ? [{ id: 5 }] : [])
    } finally {
      await pool.end()
      await proxy.close()
      await own.pool.query(`delete from ${own.schema}.target`)
    }
  })
})

test('a task that is paused in the middle of an unknown outcome has not stopped before the outcome is known', async () => {
  const proxy = await startProxy('after')
  const pool = openPool({ connectionString: proxy.url, applicationName: 'cut off', max: 2, log: silentLog })
  const table = `${own.schema}.slow_target`
  const lock = Math.floor(Math.random() * 2 ** 31)
  await own.pool.query(`
    create table ${table} (id int8 primary key);
    create function ${own.schema}.at_commit() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(${lock}); return null; end $$;
    create constraint trigger at_commit after insert on ${table} deferrable initially deferred
      for each row execute function ${own.schema}.at_commit()`)
  const stopper = await own.pool.connect()
  const stop = new AbortController()
  const Row = z.object({ id: z.int() })
  const backfill = defineBackfill({
    id: 'orders',
    source: files.parquet('none.parquet', { schema: Row }),
    partitionBy: partition.byRowGroup(),
    // The pause comes while the chunk is on its way; the chunk is written to its end.
    transform: (row) => {
      stop.abort(intentChanged)
      return row
    },
    sink: postgres.insert(table, { schema: Row, range: 'id' }),
  })
  const source = {
    async *read() {
      yield { rows: [{ id: 5 }], cursor: '5', last: false }
    },
  } as unknown as Source
  const partitionId = randomUUID()
  const task: TaskMessage = {
    ...{ version: 1, runId: randomUUID(), partitionId, index: 0, backfill: 'orders', definitionHash: 'h', params: {} },
    ...{ range: { kind: 'integer', from: '0', to: '10' }, locator: null, reason: 'planned' },
    publishedAt: new Date().toISOString(),
  }
  const sink = insertSink({ ...own, pool }, 'slow_target', Row)
  const chunks = async (): Promise<number | null> =>
    (await own.pool.query(`select from ${own.schema}.chunk where partition_id = $1`, [partitionId])).rowCount
  try {
    await stopper.query('select pg_advisory_lock($1)', [lock])
    proxy.armed.on = true
    let outcome: TaskOutcome | undefined
    const running = runTask(
      {
        ...{ open: async () => ({ backfill, hash: 'h', source, sink }), tell: async () => {}, leaseMs: 60_000 },
        ...{ worker: 'worker-1', retry: defaultRetryPolicy, random: Math.random, now: () => new Date() },
        ...{ countRead: () => {}, mayClaim: () => true, log: silentLog, taskTopic: 'tasks', parkRun: async () => {} },
        deadLetters: { publish: async () => {} },
        within: (_task, work) => work(),
        pace: createPace({ settingsOf: () => noSettings, share: () => 1, nowMs: () => performance.now() }),
      },
      ...([task, { topicPartition: 0, offset: 0n }, new TaskMemory(), stop.signal, () => {}] as const),
    ).then((ended) => (outcome = ended))
    await eventually('a claim that waits behind the COMMIT', async () => {
      const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into%checkpoint as c%'
                        and query like '%${own.schema}%'`
      return (await own.pool.query(waiting)).rowCount === 1 ? true : undefined
    })
    expect([outcome, await chunks()]).toEqual([undefined, 0])
    await stopper.query('select pg_advisory_unlock($1)', [lock])
    await running
    expect([outcome, await chunks()]).toEqual(['interrupted', 1])
  } finally {
    stopper.release()
    await pool.end()
    await proxy.close()
  }
})

describe('the pool', () => {
  test('says which server does not answer, and never its password', async () => {
    const pool = openPool({
      connectionString: 'postgres://reader:hunter2@127.0.0.1:1/orders',
      applicationName: 'x',
      max: 1,
      log: silentLog,
    })
    const failed = await query(pool, 'select 1').catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'POSTGRES_UNREACHABLE' })
    expect(String(failed)).toContain('127.0.0.1:1/orders')
    expect(String(failed)).not.toContain('hunter2')
    await pool.end()
  })

  test('gives numbers and days as text, and a time without zone as UTC', async () => {
    const { rows } = await query(
      own.pool,
      `select 9007199254740993::int8 as whole, 1.10::numeric as amount, date '2026-01-31' as day, timestamp '2026-01-31 12:00' as at`,
    )
    expect(rows).toEqual([
      { whole: '9007199254740993', amount: '1.10', day: '2026-01-31', at: new Date('2026-01-31T12:00:00Z') },
    ])
  })

  test('never lends a connection again whose statement may still be running', async () => {
    const pool = slowPool()
    try {
      const pidOf = async (): Promise<number> =>
        (await query<{ pid: number }>(pool, 'select pg_backend_pid() as pid')).rows[0]?.pid ?? 0
      const before = await pidOf()
      expect(await pidOf()).toBe(before)
      const timedOut = withTransaction(pool, (client) => {
        const slow = { text: 'select pg_sleep(30)', query_timeout: 50 }
        return client.query(slow)
      })
      await expect(timedOut).rejects.toMatchObject({ code: 'TIMED_OUT' })
      expect(await pidOf()).not.toBe(before)
    } finally {
      await pool.end()
    }
  })

  test('keeps a connection whose statement the server refused, and its transaction is rolled back', async () => {
    const pool = slowPool()
    try {
      const refused = withTransaction(pool, async (client) => {
        await client.query(`insert into ${own.schema}.target values (77)`)
        await client.query('select 1 / 0')
      })
      await expect(refused).rejects.toThrow('division by zero')
      const { rows } = await query(pool, `select id from ${own.schema}.target where id = 77`)
      expect(rows).toEqual([])
    } finally {
      await pool.end()
    }
  })

  test('outlives an idle connection that the server ends', async () => {
    const pool = slowPool()
    try {
      const { rows } = await query<{ pid: number }>(pool, 'select pg_backend_pid() as pid')
      await own.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
      await eventually('the pool has dropped the connection', async () => (pool.totalCount === 0 ? true : undefined))
      await expect(query(pool, 'select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
    } finally {
      await pool.end()
    }
  })

  const slowPool = (): Pool =>
    openPool({ connectionString: inject('DATABASE_URL'), applicationName: 'one', max: 1, log: silentLog })
})
