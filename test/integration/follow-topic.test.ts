// Risk: a follower whose consumer hangs, as kafkajs does now and then when a broker goes away, never hears anything again:
// a worker no pause, a person no end of the run.
import { expect, onTestFinished, test } from 'vitest'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { followTopic } from '../../src/kafka/follow-topic.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { rerouteKafka } from '../chaos/reroute.ts'
import { startTcpProxy } from '../chaos/tcp-proxy.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'

test('a follower whose connections hang is replaced, and reads every record once', async () => {
  const config = testConfig()
  await applyTopics(config, silentLog)
  const topic = topicName(config.topicPrefix, 'status')
  const broker = Number(config.kafka.brokers[0]?.split(':')[1])
  const [hanging, other] = [await startTcpProxy(broker, 'kafka'), await startTcpProxy(broker, 'kafka')]
  onTestFinished(async () => void (await Promise.all([hanging.stop(), other.stop()])))
  let port = hanging.port
  rerouteKafka(() => port)

  const produce = async (from: number, to: number): Promise<void> => {
    const producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
    await producer.start()
    for (let n = from; n < to; n += 1)
      await producer.send(topic, [{ key: `key-${n % 7}`, value: Buffer.from(JSON.stringify({ n })), headers: {} }])
    await producer.stop()
  }
  const read = new AbortController()
  const heard: number[] = []
  const half = Promise.withResolvers<void>()
  await produce(0, 50)
  const records = await followTopic(config, createCodec(config), silentLog, topic, 'beginning', read.signal, 3_000)
  const reading = (async () => {
    for await (const record of records) {
      heard.push(((await record.json()) as { n: number }).n)
      if (heard.length === 50) half.resolve()
      if (heard.length === 100) read.abort()
    }
  })()
  await half.promise
  const stalled = hanging.stall()
  port = other.port
  await produce(50, 100)
  await reading
  stalled.go()
  expect(heard.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n))
  for (let key = 0; key < 7; key += 1) {
    const ofKey = heard.filter((n) => n % 7 === key)
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b))
  }
}, 60_000)
