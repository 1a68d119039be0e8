// Risk: records that other clients wrote, and brokers keep in their own way, come out otherwise, or not at all.
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { kafka } from '../../src/define/kafka.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { recordBatches } from '../../src/kafka/record-batches.ts'
import { connectTopic } from '../../src/kafka/topic-connection.ts'
import { cut } from '../../src/plan/cut.ts'
import { openKafkaTopic } from '../../src/source/kafka-topic.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'
import { type TestTopic, testTopic } from '../support/test-topic.ts'

const { signal } = new AbortController()
const config = testConfig()
const Value = z.object({ value: z.string().nullable() })

async function topicOf(settings: Record<string, string>): Promise<TestTopic> {
  const topic = await testTopic(config, 1, settings)
  onTestFinished(topic.close)
  return topic
}

/** Everything in the topic, each partition of so many offsets read by itself, all at the same time. */
async function everything(topic: TestTopic, records = 1_000_000, chunkRows = 1_000): Promise<AnyRow[]> {
  const source = openKafkaTopic(
    kafka.topic(topic.name, {
      ...{ schema: Value, value: 'text' },
      fields: { key: 'k', offset: 'place', headers: 'h', timestamp: 'at' },
    }),
    { config, log: silentLog },
  )
  const plan = [...cut(await source.pin({ kind: 'offsets', records }, {}, signal), { kind: 'offsets', records })]
  const parts = plan.map(async ({ from, to, locator }) => {
    const rows: AnyRow[] = []
    for await (const page of source.read({ range: { kind: 'integer', from, to }, locator }, null, chunkRows, signal))
      rows.push(...page.rows)
    return rows
  })
  return (await Promise.all(parts)).flat()
}

const codecs = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']
/** How the broker keeps the first batch. */
async function codecOf(topic: TestTopic): Promise<string | undefined> {
  const connection = await connectTopic(config, topic.name, silentLog)
  const [first] = recordBatches((await connection.fetch(0, 0n))?.records ?? Buffer.alloc(0))
  await connection.close()
  return codecs[(first?.bytes.readInt16BE(21) ?? -1) & 7]
}

/** Text that compresses, and is not all the same. */
const text = (n: number): string => `${n} ${'lorem ipsum '.repeat(n % 50)}${Math.sqrt(n)}`

describe('records of a topic', () => {
  it.each(codecs)('are read that a broker keeps %s', async (codec) => {
    const topic = await topicOf({ 'compression.type': codec })
    const written = Array.from({ length: 3_000 }, (_, n) => ({ key: `k${n}`, value: text(n) }))
    // One batch of several blocks, and some smaller ones.
    await topic.write(0, written.slice(0, 2_000))
    for (let n = 2_000; n < 3_000; n += 250) await topic.write(0, written.slice(n, n + 250))
    expect(await codecOf(topic)).toBe(codec)
    const rows = await everything(topic, 700)
    expect(rows.map(({ value }) => value)).toEqual(written.map(({ value }) => value))
    expect(rows.map(({ place }) => place)).toEqual(written.map((_, n) => BigInt(n)))
  })

  it('have the time and the headers they were written with', async () => {
    const topic = await topicOf({})
    await topic.write(0, [{ ...{ key: 'é', value: null, timestamp: '1700000000123' }, headers: { trace: '00-ab' } }])
    expect(await everything(topic)).toEqual([
      { value: null, k: 'é', place: 0n, at: new Date(1_700_000_000_123), h: { trace: '00-ab' } },
    ])
    const stamped = await topicOf({ 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    await stamped.write(0, [{ value: 'a', timestamp: '1700000000123' }])
    expect(Number((await everything(stamped))[0]?.['at'])).toBeGreaterThan(before - 60_000)
  })

  it('are read that are larger than what is fetched at once', async () => {
    const topic = await topicOf({ 'max.message.bytes': '8000000' })
    const large = 'x'.repeat(3_000_000)
    await topic.write(0, [{ value: 'before' }])
    await topic.write(0, [{ value: large }])
    await topic.write(0, [{ value: 'behind' }])
    expect((await everything(topic)).map(({ value }) => String(value).length)).toEqual([6, 3_000_000, 6])
  })

  it('are those that compaction has left, and a range of which it left none is done', async () => {
    const topic = await topicOf({
      ...{ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.001', 'segment.ms': '50' },
      ...{ 'min.compaction.lag.ms': '0', 'max.compaction.lag.ms': '100', 'delete.retention.ms': '0' },
    })
    const keys = [...Array(10).keys()]
    for (let round = 0; round < 20; round += 1)
      await topic.write(
        0,
        keys.map((key) => ({ key: `k${key}`, value: `${round}/${key}` })),
      )
    // What is written to last is never compacted.
    const left = await eventually(
      'compaction',
      async () => {
        await topic.write(0, [{ key: 'last', value: 'last' }])
        const rows = await everything(topic, 25)
        return rows.length < 150 ? rows : undefined
      },
      50_000,
    )
    const latest = new Map(left.map(({ k, value }) => [k, value]))
    for (const key of keys) expect(latest.get(`k${key}`)).toBe(`19/${key}`)
    const places = left.map(({ place }) => Number(place))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })
})
