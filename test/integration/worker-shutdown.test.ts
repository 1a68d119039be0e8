import { expect, onTestFinished, test } from 'vitest'
import { groupWorkers } from '../../src/compose/operations.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { startWithoutWorkers, startWorker, type WorkerProcess } from '../support/worker-process.ts'

const session = { TIDEMARK_SESSION_TIMEOUT_MS: '30000' }

const rowsStored = async (small: SmallBackfill): Promise<number> => (await small.sink()).rows

test('workers restarted one after another during a run repeat no chunk', async () => {
  const rows = 30_000
  const small = await createSmallBackfill({ rows, rowGroupRows: 3_000, chunkRows: 500, pauseMs: 4_000 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const ids = ['worker-1', 'worker-2', 'worker-3']
  const current = new Map(ids.map((id) => [id, startWorker(small, id, session)]))
  const all: WorkerProcess[] = [...current.values()]
  for (const worker of all) await worker.claimed(16)
  const submitted = small.tidemark('submit', 'small', '--wait', '--json')
  await eventually('the run is under way', async () => (await rowsStored(small)) > 1_000 || undefined)

  for (const id of ids) {
    const before = await rowsStored(small)
    const { code } = (await current.get(id)?.stop()) ?? { code: null }
    expect(code).toBe(0)
    const next = startWorker(small, id, session)
    all.push(next)
    await next.claimed(16)
    expect(before).toBeLessThan(rows)
  }
  const { code, stderr } = await submitted.ended
  expect(code, stderr).toBe(0)
  for (const worker of all.slice(3)) expect((await worker.stop()).code).toBe(0)

  expect(await small.sink()).toEqual({ rows, distinct: rows, wrong: 0 })
  const read = all.reduce((sum, worker) => sum + worker.process.usage().rowsRead, 0)
  expect(read).toBe(rows)
  const schema = small.env['TIDEMARK_SCHEMA'] ?? ''
  const chunks = await small.query<{ chunks: string; rows: string; held: string }>(
    `select count(*) as chunks, sum(c.rows_read) as rows,
            count(*) filter (where c.epoch > p.epoch) as held
       from ${schema}.chunk c join ${schema}.checkpoint p using (partition_id)`,
  )
  expect(chunks[0]).toEqual({ chunks: String(rows / 500), rows: String(rows), held: '0' })
  // Claimed once, and once more each time its lane left a worker that stopped, or came back to the one that started.
  const epochs = await small.query<{ epoch: string }>(`select epoch from ${schema}.checkpoint`)
  expect(epochs).toHaveLength(10)
  expect(epochs.some(({ epoch }) => Number(epoch) > 1)).toBe(true)
  expect(epochs.every(({ epoch }) => Number(epoch) <= 1 + 2 * ids.length)).toBe(true)
}, 150_000)

test('after SIGTERM the lanes run elsewhere at once, not when the session ends', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 1_000, chunkRows: 500 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const stays = startWorker(small, 'worker-2', session)
  await stays.claimed(48)
  const leaves = startWorker(small, 'worker-1', session)
  await leaves.claimed(24)
  const beganMs = Date.now()
  const { code } = await leaves.stop()
  expect(code).toBe(0)
  expect((await stays.claimed(72)) - beganMs).toBeLessThan(5_000)
}, 120_000)

test('a worker that is stopped while it joins the group leaves nobody behind there', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 1_000, chunkRows: 500 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const stays = startWorker(small, 'worker-2', session)
  await stays.claimed(48)
  // Whoever joins now waits for it, for as long as a rebalance may take.
  stays.signal('SIGSTOP')
  const leaves = startWorker(small, 'worker-1', session)
  const config = readConfig(small.env)
  const members = async (): Promise<readonly string[]> => await groupWorkers(config, silentLog)
  await eventually('it joins', async () => (await members()).includes('worker-1') || undefined)
  const stopped = leaves.stop()
  expect(leaves.lines('joined the worker group')).toEqual([])
  expect((await stopped).code).toBe(0)
  expect(await members()).not.toContain('worker-1')

  stays.signal('SIGCONT')
  await stays.claimed(96)
}, 120_000)

test('a worker that waits for the lease of another holder ends in time, and so does one whose transform never answers', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 1_000, chunkRows: 500, pauseMs: 3_600_000 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const worker = startWorker(small, 'worker-1', { ...session, TIDEMARK_LEASE_MS: '3600000' })
  await worker.claimed(48)
  const submitted = await small.tidemark('submit', 'small', '--json').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  const schema = small.env['TIDEMARK_SCHEMA'] ?? ''
  const held = () => small.query<{ count: string }>(`select count(*) from ${schema}.checkpoint`)
  await eventually('the partition is claimed', async () => (await held())[0]?.count === '1' || undefined)

  const beganMs = performance.now()
  const { code } = await worker.stop()
  expect(code).toBe(0)
  // The limit of a drain, and what it takes to leave.
  expect(performance.now() - beganMs).toBeLessThan(18_000)

  // The holder is gone, and its lease is an hour: a task on another lane has to wait for it.
  await small.query(`update ${schema}.checkpoint set held_for = held_for + 1000`)
  const waits = startWorker(small, 'worker-1', session)
  await waits.claimed(48)
  await eventually('a claim was refused', async () => {
    const asked = await small.query<{ count: string }>(
      `select count(*) from pg_stat_activity where application_name = 'tidemark worker/worker-1'
          and query ilike '%${schema}%.checkpoint%'`,
    )
    return Number(asked[0]?.count) > 0 || undefined
  })
  const againMs = performance.now()
  expect((await waits.stop()).code).toBe(0)
  expect(performance.now() - againMs).toBeLessThan(6_000)
  expect(await small.query<{ epoch: string }>(`select epoch from ${schema}.checkpoint`)).toEqual([{ epoch: '1' }])
}, 150_000)

test('a worker that is stuck in a stage ends by itself and names the stage and the partition', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 1_000, chunkRows: 500, pauseMs: 3_600_000 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const worker = startWorker(small, 'worker-1', { ...session, TIDEMARK_STAGE_LIMIT_MS: '3000' })
  await worker.claimed(48)
  const submitted = await small.tidemark('submit', 'small', '--json').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  const { code, failure } = await worker.exited
  expect(code).toBe(6)
  expect(failure?.message).toMatch(/^partition 0 \([0-9a-f-]{36}\) is stuck: its stage "transform" has lasted \d+ ms/)
}, 120_000)

test('the offsets of the workers are decoded for a person', async () => {
  // Each partition stands at the end of its second chunk until that was seen.
  const small = await createSmallBackfill({ rows: 4_000, rowGroupRows: 2_000, chunkRows: 500, holdAtRow: 999 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const none = await small.tidemark('offsets').ended
  expect(none.code).toBe(5)
  expect(none.stderr).toContain(`${small.topicPrefix}.workers`)
  const worker = startWorker(small, 'worker-1', session)
  await worker.claimed(48)
  const submitted = small.tidemark('submit', 'small', '--wait', '--json')
  const text = await eventually(
    'a running task in the metadata',
    async () => {
      const { stdout } = await small.tidemark('offsets').ended
      return /^\d+ +\d+ +running +1 +[1-9]/m.test(stdout) ? stdout : undefined
    },
    40_000,
  )
  small.letGo()
  expect(text).toContain(`group ${small.topicPrefix}.workers on ${small.topicPrefix}.tasks`)
  const { code, stderr } = await submitted.ended
  expect(code, stderr).toBe(0)
  const lanes = await eventually('all committed', async () => {
    const json = JSON.parse((await small.tidemark('offsets', '--json').ended).stdout) as {
      lanes: { lag: number; metadata: string }[]
    }
    return json.lanes.every(({ lag }) => lag === 0) ? json.lanes : undefined
  })
  expect(lanes).toHaveLength(48)
}, 120_000)
