// Risk: records are lost, come twice, or never, when the broker that has them goes away while they are read.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { RetryableError } from '../../src/contract/errors.ts'
import { kafka } from '../../src/define/kafka.ts'
import { cut } from '../../src/plan/cut.ts'
import { readConfig } from '../../src/process/config.ts'
import { openKafkaTopic } from '../../src/source/kafka-topic.ts'
import { startBenchCluster } from '../chaos/bench-cluster.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import { testTopic } from '../support/test-topic.ts'

const { signal } = new AbortController()
const count = 60

test('a range is read on from another leader, and again from the first, without a record lost or twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-topic-'))
  const cluster = await startBenchCluster(folder, () => {})
  onTestFinished(async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const config = readConfig({ KAFKA_BROKERS: cluster.kafkaBrokers, DATABASE_URL: cluster.databaseUrl })
  const topic = await testTopic(config, 1, {}, 3)
  onTestFinished(topic.close)
  // Many times what is fetched at once.
  for (let n = 0; n < count; n += 5)
    await topic.write(
      0,
      [0, 1, 2, 3, 4].map((more) => ({ value: `${n + more}`.padEnd(180_000) })),
    )
  const definition = kafka.topic(topic.name, { schema: z.object({ value: z.string() }), value: 'text' })
  const source = openKafkaTopic(definition, { config, log: silentLog })
  const [whole] = cut(await source.pin({ kind: 'offsets', records: 1_000 }, {}, signal), {
    kind: 'offsets',
    records: 1_000,
  })
  if (whole === undefined) throw new Error('no partition')
  const range = { range: { kind: 'integer' as const, from: whole.from, to: whole.to }, locator: whole.locator }

  const read: string[] = []
  let cursor: string | null = null
  /** As the engine does: after what passes by itself it begins again after its cursor. */
  const readOn = async (pages: number): Promise<void> => {
    for (const upTo = read.length + pages * 5; ; )
      try {
        for await (const page of source.read(range, cursor, 5, signal)) {
          for (const { value } of page.rows) read.push(String(value).trim())
          cursor = page.cursor
          if (page.last || read.length >= upTo) return
        }
      } catch (error) {
        if (!(error instanceof RetryableError)) throw error
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
  }
  const leader = async (): Promise<number> => {
    const { topics } = await topic.admin.fetchTopicMetadata({ topics: [topic.name] })
    return topics[0]?.partitions[0]?.leader ?? -1
  }
  await readOn(2)
  const first = await leader()
  const pages = source.read(range, cursor, 5, signal)[Symbol.asyncIterator]()
  const page = await pages.next()
  const { back } = await cluster.loseBroker(first)
  // The connection it has is to a broker that is gone.
  await expect(
    (async () => {
      for (let next = page; next.done !== true; next = await pages.next());
    })(),
  ).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
  await readOn(3)
  await back()
  await eventually('another leader', async () => ((await leader()) === first ? undefined : true))
  const second = await leader()
  const again = await cluster.loseBroker(second)
  await readOn(count)
  expect(read).toEqual(Array.from({ length: count }, (_, n) => `${n}`))
  await again.back()
}, 180_000)
