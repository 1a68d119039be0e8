// Risk: a topic that is read by its offsets gives other records than a consumer has, or loses some in an outage.
import { expect, inject, onTestFinished, test } from 'vitest'
import { createCodec, registerSchemas } from '../../src/kafka/codec.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { openTopicHistory } from '../../src/kafka/topic-history.ts'
import type { Log } from '../../src/process/log.ts'
import type { RecordBatch } from '../../src/status/record-feed.ts'
import type { TopicHistory } from '../../src/status/topic-history.ts'
import { rerouteKafka } from '../chaos/reroute.ts'
import { startTcpProxy } from '../chaos/tcp-proxy.ts'
import { claimed } from '../support/partition-events.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'
import { type TestTopic, testTopic } from '../support/test-topic.ts'

const config = testConfig({ SCHEMA_REGISTRY_URL: inject('SCHEMA_REGISTRY_URL') })
const codec = createCodec(config)
const { signal } = new AbortController()

async function open(topicPartitions: number, settings?: Record<string, string>, log: Log = silentLog) {
  const topic = await testTopic(config, topicPartitions, settings)
  onTestFinished(topic.close)
  return { topic, history: openTopicHistory(config, codec, topic.name, log) }
}

async function read(history: TopicHistory): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const batch of history.read(await history.offsets(), signal)) batches.push(batch)
  return batches
}

/** More than is handed over at once, then many times what is fetched at once. */
async function writeMuch(topic: TestTopic): Promise<number> {
  await topic.write(
    0,
    Array.from({ length: 600 }, (_, n) => ({ value: `${n}` })),
  )
  for (let n = 600; n < 608; n += 1) await topic.write(0, [{ value: `${n}`.padEnd(700_000) }])
  return 608
}

test.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])(
  'every record in batches, with key, headers and value as a consumer has them: %s',
  async (compression) => {
    const { topic, history } = await open(3, { 'compression.type': compression })
    await registerSchemas(config)
    const value = await codec.encode(topicName(config.topicPrefix, 'status'), claimed())
    await topic.write(
      0,
      Array.from({ length: 1_200 }, (_, n) => ({ key: `key ${n}`, value, headers: { ce_id: `${n}` } })),
    )
    await topic.write(1, [{ value: null }, { value: '{"plain": true}' }, { value: 'neither' }])
    const batches = await read(history)
    expect(
      batches.map(({ topicPartition, records, nextOffset }) => [topicPartition, records.length, nextOffset]),
    ).toEqual([
      [0, 500, '500'],
      [0, 500, '1000'],
      [0, 200, '1200'],
      [1, 3, '3'],
    ])
    const records = batches.flatMap((batch) => batch.records)
    for (const [n, record] of records.slice(0, 1_200).entries())
      expect(record).toMatchObject({
        topic: topic.name,
        topicPartition: 0,
        offset: `${n}`,
        key: `key ${n}`,
        headers: { ce_id: `${n}` },
      })
    expect(await records[1_199]?.json()).toEqual(claimed())
    expect(records[1_200]).toMatchObject({ key: null, value: null, headers: {} })
    expect(await records[1_201]?.json()).toEqual({ plain: true })
    await expect(records[1_202]?.json()).rejects.toThrow('not JSON')
  },
)

test('a part of a topic is read to exactly where it ends, also where nothing is left of it', async () => {
  const { topic, history } = await open(2)
  await topic.write(
    0,
    Array.from({ length: 20 }, (_, n) => ({ value: `${n}` })),
  )
  await topic.write(
    1,
    Array.from({ length: 5 }, (_, n) => ({ value: `${n}` })),
  )
  await topic.removeBefore(1, 5)
  expect(await history.offsets()).toEqual([
    { topicPartition: 0, from: 0n, to: 20n },
    { topicPartition: 1, from: 5n, to: 5n },
  ])
  const batches: RecordBatch[] = []
  const ranges = [
    { topicPartition: 0, from: 3n, to: 7n },
    { topicPartition: 1, from: 5n, to: 5n },
  ]
  for await (const batch of history.read(ranges, signal)) batches.push(batch)
  expect(batches.map(({ records, nextOffset }) => [records.map(({ offset }) => offset), nextOffset])).toEqual([
    [['3', '4', '5', '6'], '7'],
    [[], '5'],
  ])
})

test('what retention removes while it is read is named', async () => {
  const { topic, history } = await open(1)
  const count = await writeMuch(topic)
  const reading = async () => {
    for await (const { records } of history.read(await history.offsets(), signal))
      if (records.length === 500) await topic.removeBefore(0, count)
  }
  await expect(reading()).rejects.toThrow(
    new RegExp(
      `topic partition 0: its retention removed offsets 60\\d to ${count - 1} before they were read: keep records longer`,
    ),
  )
})

test('an outage is waited out, and no record is lost or comes twice', async () => {
  const warned: string[] = []
  let [hurt, mend] = [() => {}, () => {}]
  const log: Log = {
    ...silentLog,
    warn: (_, message) => {
      warned.push(message)
      mend()
    },
    child: () => log,
  }
  const { topic, history } = await open(1, {}, log)
  const count = await writeMuch(topic)
  const broker = Number(config.kafka.brokers[0]?.split(':')[1])
  const proxy = await startTcpProxy(broker, 'kafka')
  onTestFinished(() => proxy.stop())
  rerouteKafka((port) => (port === broker ? proxy.port : port))
  hurt = () => {
    proxy.retarget(1)
    hurt = () => {}
  }
  mend = () => proxy.retarget(broker)
  const offsets: number[] = []
  for await (const { records } of history.read(await history.offsets(), signal)) {
    offsets.push(...records.map(({ offset }) => Number(offset)))
    hurt()
  }
  expect(offsets).toEqual(Array.from({ length: count }, (_, n) => n))
  expect(warned.length).toBeGreaterThan(0)
})
