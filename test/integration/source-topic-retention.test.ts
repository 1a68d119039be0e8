// Risk: records that are not there any more are read over without a word, or those of another topic are taken for them.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import { kafka } from '../../src/define/kafka.ts'
import { connectTopic } from '../../src/kafka/topic-connection.ts'
import { cut } from '../../src/plan/cut.ts'
import { openKafkaTopic } from '../../src/source/kafka-topic.ts'
import type { Page, Source, SourceRange } from '../../src/source/source.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'
import { type TestTopic, testTopic } from '../support/test-topic.ts'

const { signal } = new AbortController()
const config = testConfig()
const records = (count: number, bytes = 1) =>
  Array.from({ length: count }, (_, n) => ({ value: `${n}`.padEnd(bytes, ' ') }))

async function open(count: number, bytes?: number): Promise<{ topic: TestTopic; source: Source }> {
  const topic = await testTopic(config, 1)
  onTestFinished(topic.close)
  for (let sent = 0; sent < count; sent += 5) await topic.write(0, records(Math.min(5, count - sent), bytes))
  const definition = kafka.topic(topic.name, { schema: z.object({ value: z.string() }), value: 'text' })
  return { topic, source: openKafkaTopic(definition, { config, log: silentLog }) }
}
const pin = (source: Source): Promise<PinnedBounds> => source.pin({ kind: 'offsets', records: 100 }, {}, signal)

/** The whole topic as one partition. */
async function whole(source: Source): Promise<SourceRange> {
  const [all, ...others] = cut(await pin(source), { kind: 'offsets', records: 1_000_000 })
  if (all === undefined || others.length > 0) throw new Error('not one partition')
  return { range: { kind: 'integer', from: all.from, to: all.to }, locator: all.locator }
}
const reading = (source: Source, range: SourceRange, chunkRows: number, after: string | null = null) =>
  source.read(range, after, chunkRows, signal)[Symbol.asyncIterator]()
async function next(pages: AsyncIterator<Page>): Promise<Page> {
  const { value, done } = await pages.next()
  if (done === true) throw new Error('no page')
  return value
}

test('a run begins where the topic does when it is planned, and ends where that ended then', async () => {
  const { topic, source } = await open(10)
  await topic.removeBefore(0, 4)
  const bounds = await pin(source)
  expect(bounds).toEqual({
    ...{ kind: 'offsets', topic: topic.name, topicId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    topicPartitions: [{ topicPartition: 0, from: '4', to: '10' }],
  })
  const range = await whole(source)
  await topic.write(0, records(3))
  const page = await next(reading(source, range, 100))
  expect(page).toMatchObject({ cursor: '9', last: true })
  expect(page.rows.length).toBe(6)
})

test('a transaction that is open when a run is planned, and what follows it, belongs to a later run', async () => {
  const { topic, source } = await open(5)
  await topic.transaction(0, records(2), 'open')
  await topic.write(0, records(3))
  expect(await pin(source)).toMatchObject({ topicPartitions: [{ from: '0', to: '5' }] })
})

test('what retention removes between plan and reading is named, and not read over', async () => {
  const { topic, source } = await open(10)
  const range = await whole(source)
  await topic.removeBefore(0, 6)
  await expect(next(reading(source, range, 3))).rejects.toMatchObject({
    code: 'SOURCE_NOT_READABLE',
    message: expect.stringMatching(
      new RegExp(
        `"${topic.name}", topic partition 0: offset 0 is wanted, and the first that is there is 6\\..*retention`,
      ),
    ),
  })
  // What has been read already need not be there.
  expect((await next(reading(source, range, 100, '5'))).rows.length).toBe(4)
})

test('what retention removes while it is read is named too', async () => {
  // Several times what is fetched at once.
  const { topic, source } = await open(40, 100_000)
  const range = await whole(source)
  const pages = reading(source, range, 2)
  await next(pages)
  await topic.removeBefore(0, 39)
  const rest = (async () => {
    for (;;) if ((await next(pages)).last) return
  })()
  await expect(rest).rejects.toMatchObject({ message: expect.stringContaining('the first that is there is 39') })
})

test('a topic that was made anew and has less than was planned is not taken for it', async () => {
  const { topic, source } = await open(10)
  const range = await whole(source)
  await topic.delete()
  await topic.create(1)
  await topic.write(0, records(2))
  await expect(next(reading(source, range, 100, '6'))).rejects.toMatchObject({
    message: expect.stringContaining('the plan has offsets to before 10, and it ends before 2'),
  })
})

test('a topic that was made anew is not taken for the one that was planned, though it has all its offsets', async () => {
  const { topic, source } = await open(10, 150_000)
  const range = await whole(source)
  const pages = reading(source, range, 1)
  await next(pages)
  await topic.delete()
  await topic.create(1)
  for (let sent = 0; sent < 20; sent += 5) await topic.write(0, records(5, 150_000))
  const message = expect.stringContaining(`topic "${topic.name}" is not the one that was planned`)
  await expect(next(reading(source, range, 100))).rejects.toMatchObject({ code: 'SOURCE_NOT_READABLE', message })
  const rest = (async () => {
    for (;;) if ((await next(pages)).last) return
  })()
  await expect(rest).rejects.toThrow()
  expect(await pin(source)).not.toMatchObject({ topicId: range.locator?.['topicId'] })
})

test('a topic that is gone, or has fewer topic partitions, is named', async () => {
  const { topic } = await open(1)
  const connection = await connectTopic(config, topic.name, silentLog)
  onTestFinished(connection.close)
  await expect(connection.fetch(1, 0n)).rejects.toMatchObject({
    message: expect.stringContaining(`topic "${topic.name}" has no topic partition 1, which the plan has`),
  })
  await topic.delete()
  await expect(connectTopic(config, topic.name, silentLog, 100)).rejects.toMatchObject({
    ...{ code: 'SOURCE_NOT_READABLE', message: expect.stringContaining(`topic "${topic.name}" is not there any more`) },
  })
})
