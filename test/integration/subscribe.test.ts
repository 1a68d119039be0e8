// Risk: a bookmark that goes on past records, or from a topic that is not the one it was made with; a slow subscriber that
// takes the whole topic into memory.
import { expect, inject, onTestFinished, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { type Client, connect, type WatchedEvent } from '../../src/entry/client.ts'
import { createKafka, withAdmin } from '../../src/kafka/client.ts'
import { createCodec, registerSchemas } from '../../src/kafka/codec.ts'
import { type FollowedTopic, followTopic } from '../../src/kafka/follow-topic.ts'
import { createStatusLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import type { Config } from '../../src/process/config.ts'
import type { Log } from '../../src/process/log.ts'
import { eventually } from '../support/eventually.ts'
import { ended, ofPartition, planned, runId } from '../support/run-history.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

interface World {
  readonly config: Config
  readonly topic: string
  readonly client: Client
  tell(...events: StatusEvent[]): Promise<void>
  connect(topicPrefix?: string): Promise<Client>
}

async function world(more: Record<string, string> = {}): Promise<World> {
  const config = testConfig(more)
  await applyTopics(config, silentLog)
  await registerSchemas(config)
  const producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
  onTestFinished(() => producer.stop())
  const codec = createCodec(config)
  const log = createStatusLog({ producer, codec, topicPrefix: config.topicPrefix, source: 'test' })
  const open = async (topicPrefix = config.topicPrefix): Promise<Client> => {
    const { registry } = config
    const client = await connect({ brokers: config.kafka.brokers, topicPrefix, registry })
    onTestFinished(() => client.close())
    return client
  }
  const tell = (...events: StatusEvent[]): Promise<void> => log.publish(events)
  const topic = topicName(config.topicPrefix, 'status')
  return { config, topic, client: await open(), tell, connect: open }
}

async function some(events: AsyncIterable<WatchedEvent>, most = Number.POSITIVE_INFINITY): Promise<WatchedEvent[]> {
  const heard: WatchedEvent[] = []
  for await (const event of events) if (heard.push(event) >= most) break
  return heard
}

test('a run is followed to its end, and from every bookmark on, over all topic partitions', async () => {
  const { client, tell } = await world()
  const partitions = [0, 1, 2, 3, 4].map(ofPartition)
  await tell(planned(5), ...partitions.flat(), ended(5))
  const watch = client.watchRun(runId)
  const all = await some(watch)
  expect(all.map(({ type }) => type).toSorted()).toEqual(
    [planned(5), ...partitions.flat(), ended(5)].map(({ type }) => type).toSorted(),
  )
  expect(all.at(-1)?.type).toBe('run.completed')
  expect(watch.progress()).toMatchObject({ state: 'completed', partitionsCompleted: 5, toldCompletely: true })

  const ids = new Set(all.map(({ eventId }) => eventId))
  for (const cut of [0, 7, 15, 16]) {
    const again = client.watchRun(runId, { from: all[cut]?.bookmark ?? '' })
    const after = await some(again)
    const before = all.slice(0, cut + 1)
    expect(before.length + after.length).toBe(all.length)
    expect(new Set([...before, ...after].map(({ eventId }) => eventId))).toEqual(ids)
    expect(again.progress()).toMatchObject({ state: 'completed', partitionsCompleted: 5 })
  }
}, 60_000)

test('what is told from now on comes, also after the first client is gone', async () => {
  const { client, tell, connect } = await world()
  await tell(planned(2))
  const watch = client.watch()
  await watch.listen()
  await tell(...ofPartition(0))
  const [first, second] = await some(watch, 2)
  expect([first?.type, second?.type]).toEqual(['partition.claimed', 'partition.progressed'])
  await client.close()
  await tell(...ofPartition(1), ended(2))
  const later = (await connect()).watch({ runId, from: first?.bookmark ?? '' })
  expect((await some(later, 6)).map(({ type }) => type).toSorted()).toEqual(
    [...ofPartition(0).slice(1), ...ofPartition(1), ended(2)].map(({ type }) => type).toSorted(),
  )
}, 60_000)

test('a bookmark that the topic cannot go on from is refused, with what is possible', async () => {
  const [{ config, topic, client, tell }, other] = [await world(), await world()]
  await tell(planned(1), ...ofPartition(0))
  const [event] = await some(client.watch({ from: 'beginning' }), 1)
  const from = event?.bookmark ?? ''
  const going = async (of: Client): Promise<unknown> => some(of.watch({ from }), 3)
  expect(await going(client)).toHaveLength(3)
  await expect(going(other.client)).rejects.toMatchObject({
    code: 'TOPIC_MISMATCH',
    message: expect.stringContaining(`is of topic "${topic}"`),
  })

  await withAdmin(config, silentLog, async (admin) => {
    const offsets = await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({
      topic,
      partitions: offsets.map(({ partition, high }) => ({ partition, offset: high })),
    })
  })
  await expect(going(client)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(/are gone, by its retention: 3 of topic partition|1 of topic partition/),
  })

  await withAdmin(config, silentLog, async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    // Brokers show it for a moment longer, and what is there is not made anew.
    await eventually('the topic is gone', async () => !(await admin.listTopics()).includes(topic) || undefined)
  })
  await eventually('the topic is made anew', () =>
    applyTopics(config, silentLog)
      .then(() => true)
      .catch(() => undefined),
  )
  await eventually('the topic is known to be another', async () =>
    going(client).then(
      () => undefined,
      (error: unknown) => (String(error).includes('was deleted and made anew') ? true : undefined),
    ),
  )
}, 60_000)

test('with a registry events are in wire format; without one that is said, and they are not left out', async () => {
  const { config, client, tell } = await world({ SCHEMA_REGISTRY_URL: inject('SCHEMA_REGISTRY_URL') })
  await tell(planned(1), ...ofPartition(0), ended(1))
  expect(await some(client.watchRun(runId))).toHaveLength(5)
  const without = await connect({ brokers: config.kafka.brokers, topicPrefix: config.topicPrefix })
  onTestFinished(() => without.close())
  await expect(some(without.watchRun(runId))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('connecting says what is wrong: brokers that are away, and a topic that is not there', async () => {
  const { config } = await world()
  await expect(connect({ brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  await expect(connect({ brokers: config.kafka.brokers, topicPrefix: 'nobody' })).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    message: expect.stringContaining('topic "nobody.status" does not exist'),
  })
})

test('a slow reader makes Kafka wait, and reads every record all the same', async () => {
  const { config, topic } = await world()
  const producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
  // More than one fetch brings.
  const [total, value] = [60_000, Buffer.alloc(1_000, ' ')]
  for (let sent = 0; sent < total; sent += 5_000)
    await producer.send(
      topic,
      Array.from({ length: 5_000 }, (_, n) => ({ key: `${n}`, value, headers: {} })),
    )
  await producer.stop()
  const waiting: number[] = []
  const log: Log = {
    ...silentLog,
    debug: (fields) => void ('waiting' in fields && waiting.push(Number(fields.waiting))),
  }
  const follow = async (log: Log): Promise<{ records: FollowedTopic; stop: AbortController }> => {
    const stop = new AbortController()
    return { stop, records: await followTopic(config, createCodec(config), log, topic, 'beginning', stop.signal) }
  }
  const readAll = async ({ records, stop }: Awaited<ReturnType<typeof follow>>): Promise<number> => {
    let heard = 0
    for await (const _ of records) if (++heard === total) stop.abort()
    return heard
  }
  const slow = await follow(log)
  await eventually('it rests', async () => waiting[0])
  // In this time it would have read it all, too.
  expect(await readAll(await follow(silentLog))).toBe(total)
  expect(Math.max(...waiting)).toBeLessThan(total)
  expect(await readAll(slow)).toBe(total)
}, 60_000)
