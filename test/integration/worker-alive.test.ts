// Risk: the record shows workers that are gone as alive, or none at all, or telling so keeps a worker from stopping.
import { expect, onTestFinished, test } from 'vitest'
import { composeLedger } from '../../src/compose/ledger.ts'
import { composeWorker } from '../../src/compose/worker.ts'
import { topicOffsets } from '../../src/kafka/describe-topic.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { ledgerLag } from '../../src/ledger/ledger-lag.ts'
import { type ListedWorker, listWorkers } from '../../src/ledger/query/workers.ts'
import { noMark } from '../../src/process/marks.ts'
import { controlDatabase } from '../support/control-database.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { createSmallBackfill } from '../support/small-backfill.ts'
import { testConfig } from '../support/test-config.ts'

test('a worker is in the record with its lanes while it runs, and as stopped when it was; then the ledger is not behind', async () => {
  const { pool, schema } = await controlDatabase()
  const small = await createSmallBackfill({ rows: 10, rowGroupRows: 5, chunkRows: 5 })
  onTestFinished(() => small.close())
  const config = testConfig({
    ...{ TIDEMARK_SCHEMA: schema, TIDEMARK_WORKER_ID: 'worker-7', TIDEMARK_SLOTS: '3' },
    TIDEMARK_DEFINITIONS: small.folder,
  })
  await applyTopics(config, silentLog)
  const ledger = await composeLedger(config, silentLog, noMark)
  await ledger.start()
  const worker = await composeWorker(config, silentLog, noMark)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= worker.stop())
  const recorded = async (): Promise<ListedWorker | undefined> => (await listWorkers(pool, schema))[0]
  try {
    await worker.start()
    const alive = await eventually('a worker with lanes', async () => {
      const found = await recorded()
      return found?.lanes?.length ? found : undefined
    })
    expect(alive).toMatchObject({
      worker: 'worker-7',
      slots: 3,
      running: 0,
      lanes: [...Array(48).keys()],
      lostAt: null,
    })
    expect(alive.residentMb).toBeGreaterThan(10)
    expect(alive.cpuShare).toBeGreaterThanOrEqual(0)
    const began = performance.now()
    await stop()
    expect(performance.now() - began).toBeLessThan(10_000)
    await eventually('its end', async () => ((await recorded())?.state === 'stopped' ? true : undefined))
    const topic = topicName(config.topicPrefix, 'status')
    const lag = await ledgerLag(pool, schema, topic, await topicOffsets(config, topic, silentLog))
    expect(lag).toHaveLength(12)
    expect(lag.map(({ records }) => records)).toEqual(lag.map(() => 0))
    expect(lag.filter(({ nextOffset }) => nextOffset !== null)).toHaveLength(1)
  } finally {
    await stop()
    await ledger.stop()
  }
}, 90_000)
