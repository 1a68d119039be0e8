// Risk: a worker that reads another system's topic, or whose control database is another, writes rows nobody asked for.
import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { DeadLetterMessage } from '../../src/contract/dead-letter.ts'
import { RetryableError } from '../../src/contract/errors.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { followTopic } from '../../src/kafka/follow-topic.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { createKnownRuns } from '../../src/plan/known-runs.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import { openPool } from '../../src/postgres/pool.ts'
import { readConfig } from '../../src/process/config.ts'
import { topicSamples } from '../../tools/topic-samples.ts'
import { controlDatabase } from '../support/control-database.ts'
import { plannedRun } from '../support/planned-run.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill } from '../support/small-backfill.ts'
import { testConfig } from '../support/test-config.ts'
import { startWithoutWorkers, startWorker } from '../support/worker-process.ts'

test('a task of a run that nobody knows is a dead letter, and not one row', async () => {
  const small = await createSmallBackfill({ rows: 1_000, rowGroupRows: 500, chunkRows: 100 })
  onTestFinished(small.close)
  await startWithoutWorkers(small)
  const worker = startWorker(small, 'worker-1')
  await worker.claimed(48)

  const config = readConfig(small.env)
  const codec = createCodec(config)
  const sample = topicSamples.tasks[0] as TaskMessage
  const runId = randomUUID()
  const range = { ...sample.range, kind: 'integer', from: '0', to: '500' } as const
  const task: TaskMessage = { ...sample, runId, backfill: 'small', index: 0, range, partitionId: '' }
  const partitionId = partitionIdOf(runId, { index: 0, ...range })
  const producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
  await producer.start()
  await producer.send(topicName(config.topicPrefix, 'tasks'), [
    { key: partitionId, value: Buffer.from(JSON.stringify({ ...task, partitionId })), headers: {} },
  ])
  await producer.stop()

  const read = new AbortController()
  const topic = topicName(config.topicPrefix, 'dead-letters')
  for await (const record of await followTopic(config, codec, silentLog, topic, 'beginning', read.signal)) {
    const letter = DeadLetterMessage.parse(await record.json())
    expect(letter).toMatchObject({ what: 'message', reason: 'MESSAGE_INVALID', key: partitionId })
    expect(letter.message).toContain(`no run ${runId} is known`)
    expect(letter.message).toContain('TIDEMARK_TOPIC_PREFIX')
    read.abort()
  }
  const submitted = await small.tidemark('submit', 'small', '--wait').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  expect(await small.sink()).toEqual({ rows: 1_000, distinct: 1_000, wrong: 0 })
  const checkpoints = await small.query(`select 1 from ${config.schema}.checkpoint where run_id = $1`, [runId])
  expect(checkpoints).toEqual([])
}, 120_000)

test('a run is looked up once; what cannot be looked up now is neither known nor unknown', async () => {
  const database = await controlDatabase()
  const { runId } = await plannedRun(database)
  const own = openPool({ connectionString: testConfig().databaseUrl, applicationName: 'test', max: 1, log: silentLog })
  const knowsRun = createKnownRuns(own, database.schema)
  expect(await knowsRun(runId)).toBe(true)
  expect(await knowsRun(randomUUID())).toBe(false)
  await own.end()
  expect(await knowsRun(runId)).toBe(true)
  await expect(knowsRun(randomUUID())).rejects.toBeInstanceOf(RetryableError)
})
