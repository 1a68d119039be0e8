// Risk: a paused run goes on somewhere, forgets that it is paused, or does not go on where it stood; a cancelled one
// writes after its end, or never ends.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { ControlMessage } from '../../src/contract/control.ts'
import { TaskMessage } from '../../src/contract/task.ts'
import { createKafka, withAdmin } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { committedPlaces } from '../../src/kafka/committed-places.ts'
import { followTopic } from '../../src/kafka/follow-topic.ts'
import { createControlLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { logged, prepareSmall, type Roles, startRoles } from '../support/roles.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import type { TidemarkProcess } from '../support/tidemark-process.ts'

const workers = ['worker-1', 'worker-2', 'worker-3', 'worker-4']

let small: SmallBackfill
afterEach(async () => {
  await small.close()
})

/** 40 partitions of four chunks, of which every second takes `pauseMs`: the run lasts, so that it can be stopped. */
async function begin(pauseMs: number): Promise<{ runId: string; roles: Roles }> {
  small = await createSmallBackfill({ rows: 80_000, rowGroupRows: 2_000, chunkRows: 500, pauseMs })
  await prepareSmall(small)
  const roles = await startRoles(small, workers)
  return { runId: await submit('small'), roles }
}

async function command(code: number, ...args: string[]): Promise<Awaited<TidemarkProcess['ended']>> {
  const ended = await small.tidemark(...args).ended
  expect(ended.code, `tidemark ${args.join(' ')}\n${ended.stdout}\n${ended.stderr}`).toBe(code)
  return ended
}
const submit = async (backfill: string): Promise<string> => (await command(0, 'submit', backfill)).stdout.trim()

const schema = (): string => small.env.TIDEMARK_SCHEMA ?? ''
const count = async (sql: string, values: unknown[] = []): Promise<number> => {
  const [row] = await small.query<{ count: string }>(sql.replaceAll(':s', schema()), values)
  return Number(row?.count)
}
const chunksOf = (runId: string): Promise<number> =>
  count('select count(*) from :s.chunk join :s.checkpoint using (partition_id) where run_id = $1', [runId])
const busy = (): Promise<number> =>
  count("select count(distinct holder) from :s.checkpoint where state = 'running' and sequence > 0")

async function allBusy(): Promise<void> {
  await eventually('all workers have written chunks', async () =>
    (await busy()) === workers.length ? true : undefined,
  )
}

/** Where each task of the run stands, and how far the workers' group is there. */
async function openTasks(runId: string): Promise<{ partitionId: string; offset: bigint; committed: bigint }[]> {
  const config = readConfig(small.env)
  const topic = topicName(config.topicPrefix, 'tasks')
  const read = new AbortController()
  const records = await followTopic(config, createCodec(config), silentLog, topic, 'beginning', read.signal)
  void records.caughtUp.then(() => read.abort())
  const tasks: { partitionId: string; topicPartition: number; offset: bigint }[] = []
  for await (const record of records) {
    const task = TaskMessage.parse(await record.json())
    const { topicPartition, offset } = record
    if (task.runId === runId) tasks.push({ partitionId: task.partitionId, topicPartition, offset: BigInt(offset) })
  }
  const places = await withAdmin(config, silentLog, (admin) =>
    committedPlaces(admin, groupName(config.topicPrefix, 'workers'), topic),
  )
  const committed = new Map(places.map((place) => [place.topicPartition, BigInt(place.offset)]))
  return tasks.map(({ topicPartition, ...task }) => ({ ...task, committed: committed.get(topicPartition) ?? 0n }))
}

/** Tasks of the run that were passed by the offset although their partitions have not ended. */
async function passedTooEarly(runId: string): Promise<string[]> {
  const ended = await small.query<{ partition_id: string }>(
    `select partition_id from ${schema()}.checkpoint where run_id = $1 and state not in ('pending', 'running')`,
    [runId],
  )
  const terminal = new Set(ended.map(({ partition_id }) => partition_id))
  return (await openTasks(runId))
    .filter(({ partitionId, offset, committed }) => committed > offset && !terminal.has(partitionId))
    .map(({ partitionId }) => partitionId)
}

interface Waited {
  readonly state: string
  readonly acknowledged: { by: number; of: number; missing: string[]; tookMs: number | null }
}

test('paused: acknowledged by all, no chunk and no offset afterwards, through the death of every process; resumed: all rows', async () => {
  const { runId, roles } = await begin(1_000)
  await allBusy()
  const paused = await command(0, 'pause', runId, '--wait', '--json', '--reason', 'the database is busy')
  const { state, acknowledged } = JSON.parse(paused.stdout) as Waited
  expect({ state, ...acknowledged, tookMs: null }).toEqual({ state: 'paused', by: 4, of: 4, missing: [], tookMs: null })
  expect(acknowledged.tookMs).not.toBeNull()
  const written = await chunksOf(runId)
  // By the clock of this machine, which workers and database share.
  const late = await count(
    `select count(*) from :s.chunk where committed_at > (select max(at) from :s.ledger_acknowledgement where run_id = $1)`,
    [runId],
  )
  expect(late).toBe(0)
  const status = await command(0, 'status', runId)
  expect(status.stdout).toMatch(/intent +paused since .* \(the database is busy\), acknowledged by 4 of 4 workers in /)

  expect(await passedTooEarly(runId)).toEqual([])

  // What is doubled, or comes late, changes nothing: neither for those who follow, nor for those who start.
  await publishControl(runId, [
    { sequence: 1, intent: 'paused' },
    { sequence: 0, intent: 'running' },
  ])
  await addOther()
  await roles.kill()
  const fresh = await startRoles(small, workers)
  await Promise.all(fresh.workers.map((worker) => logged(worker, 'intent obeyed')))
  // Another run, whose tasks stand behind the parked ones in the same lanes, is not held up.
  await command(0, 'watch', await submit('other'))
  expect(await chunksOf(runId)).toBe(written)
  expect(await passedTooEarly(runId)).toEqual([])
  expect((await command(8, 'pause', runId)).stderr).toContain('paused already')

  const resumed = JSON.parse((await command(0, 'resume', runId, '--wait', '--json')).stdout) as Waited
  expect(resumed).toMatchObject({ state: 'running', acknowledged: { by: 4, of: 4, missing: [] } })
  await command(0, 'watch', runId)
  expect(await small.sink()).toEqual({ rows: 80_000, distinct: 80_000, wrong: 0 })
  // Claimed once, again after the resume, and once more when a worker died in between.
  const epochs = await count('select max(epoch) as count from :s.checkpoint where run_id = $1', [runId])
  expect(epochs).toBeLessThanOrEqual(3)
  expect((await command(8, 'resume', runId)).stderr).toContain('is completed')
}, 180_000)

test('cancelled while it runs: nothing is written after the end, and what was written is what the checkpoints say', async () => {
  const { runId } = await begin(1_000)
  const waiting = small.tidemark('submit', 'small', '--request-key', await requestKey(runId), '--wait')
  await allBusy()
  expect((await command(2, 'cancel', runId)).stderr).toContain('--yes')
  const done = JSON.parse((await command(0, 'cancel', runId, '--yes', '--wait', '--json')).stdout) as Waited
  expect(done.state).toBe('cancelled')
  expect((await waiting.ended).code).toBe(9)
  const [{ told } = { told: '' }] = await small.query<{ told: string }>(
    `select min(at)::text as told from ${schema()}.ledger_event where run_id = $1 and type = 'run.cancelled'`,
    [runId],
  )
  expect(await count('select count(*) from :s.chunk where committed_at > $1', [told])).toBe(0)
  const states = await small.query<{ state: string; n: string }>(
    `select state, count(*) as n from ${schema()}.checkpoint where run_id = $1 group by state order by state`,
    [runId],
  )
  expect(states.map(({ state }) => state).filter((state) => state !== 'completed')).toEqual(['cancelled'])
  expect(states.reduce((sum, { n }) => sum + Number(n), 0)).toBe(40)
  const facts = await small.sink()
  expect(facts).toMatchObject({ wrong: 0, distinct: facts.rows })
  expect(facts.rows).toBe(await count('select sum(rows_written) as count from :s.checkpoint'))
  expect(facts.rows).toBeLessThan(80_000)
  // Every task finds its end, and the offsets pass: nothing is left for a worker to do.
  await eventually('all tasks passed', async () =>
    (await openTasks(runId)).every(({ offset, committed }) => committed > offset) ? true : undefined,
  )
  expect((await command(8, 'resume', runId)).stderr).toContain('is cancelled')
  expect((await command(5, 'pause', '019aa000-0000-7000-8000-000000000001')).stderr).toContain('no run')
  // The target is free again.
  await command(0, 'watch', await submit('small'))
  expect(await small.sink()).toEqual({ rows: 80_000, distinct: 80_000, wrong: 0 })
}, 120_000)

test('one partition paused, another cancelled: the rest of the run goes on, and the run ends when the paused one may go on', async () => {
  const { runId } = await begin(1_000)
  await command(0, 'pause', runId, '--wait')
  const [first, second] = await small.query<{ partition_id: string }>(
    `select partition_id from ${schema()}.partition left join ${schema()}.checkpoint c using (partition_id)
      where c.state is null order by partition.index desc limit 2`,
  )
  const [held, dropped] = [first?.partition_id ?? '', second?.partition_id ?? '']
  const key = ['--request-key', 'hold-one']
  await command(0, 'pause', runId, '--partition', held, '--wait', ...key)
  expect((await command(0, 'pause', runId, '--partition', held, ...key)).stdout).toContain('duplicate')
  await command(0, 'cancel', runId, '--partition', dropped, '--yes')
  await command(0, 'resume', runId)
  await eventually(
    'all but one have ended',
    async () =>
      (await count("select count(*) from :s.checkpoint where state in ('completed', 'cancelled')")) === 39
        ? true
        : undefined,
    60_000,
  )
  expect(await passedTooEarly(runId)).toEqual([])
  expect((await command(0, 'status', runId)).stdout).toContain('1 partitions paused, 1 partitions cancelled')
  await command(0, 'resume', runId, '--partition', held)
  const watched = await command(0, 'watch', runId, '--json')
  const end = JSON.parse(watched.stdout.trim().split('\n').at(-1) ?? '') as object
  expect(end).toMatchObject({ type: 'run.completed', partitions: 40, partitionsFailed: 0 })
  expect(await small.sink()).toEqual({ rows: 78_000, distinct: 78_000, wrong: 0 })
}, 120_000)

const requestKey = async (runId: string): Promise<string> => {
  const [row] = await small.query<{ request_key: string }>(`select request_key from ${schema()}.run where id = $1`, [
    runId,
  ])
  return row?.request_key ?? ''
}

async function publishControl(
  runId: string,
  some: readonly Pick<ControlMessage, 'sequence' | 'intent'>[],
): Promise<void> {
  const config = readConfig(small.env)
  const producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
  const { topicPrefix } = config
  const log = createControlLog({ producer, codec: createCodec(config), topicPrefix, source: 'test' })
  const at = new Date().toISOString()
  for (const given of some) await log.publish({ version: 1, runId, backfill: 'small', partitions: [], at, ...given })
  await producer.stop()
}

/** A backfill of the same rows into another table. */
async function addOther(): Promise<void> {
  const table = `${schema()}_sink.other`
  await small.query(`create table ${table} (position bigint primary key, amount bigint not null, name text not null)`)
  writeFileSync(
    join(small.folder, 'other.ts'),
    `import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { files } from 'tidemark/files'
import { postgres } from 'tidemark/postgres'
const Row = z.object({ position: z.int(), amount: z.bigint(), name: z.string() })
export default defineBackfill({
  id: 'other',
  source: files.parquet('small.parquet', { schema: Row.omit({ position: true }), position: 'position' }),
  partitionBy: partition.byRowGroup(),
  sink: postgres.upsert('${table}', { schema: Row, key: ['position'] }),
})
`,
  )
}
