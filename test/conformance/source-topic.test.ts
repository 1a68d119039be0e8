import { z } from 'zod'
import { kafka } from '../../src/define/kafka.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { openKafkaTopic } from '../../src/source/kafka-topic.ts'
import { silentLog } from '../support/silent-log.ts'
import { testConfig } from '../support/test-config.ts'
import { type TestRecord, testTopic } from '../support/test-topic.ts'
import { describeSource, type SourceHarness } from './source.ts'

const { signal } = new AbortController()
const Order = z.object({ id: z.bigint(), note: z.string().nullable() })
const order = (id: number): TestRecord => ({
  value: JSON.stringify({ id, note: id % 5 === 0 ? null : `note ${id}`, more: [id] }),
})
const orders = (from: number, to: number): TestRecord[] => Array.from({ length: to - from }, (_, n) => order(from + n))
const rowOf = (id: number): AnyRow => ({ id: BigInt(id), note: id % 5 === 0 ? null : `note ${id}` })

/**
 * Offsets of topic partition 1, of which 0 to 9 are removed: 10 to 24 plain, 25 to 29 committed and 30 their end, 31 to
 * 38 aborted and 39 their end, 40 to 49 plain, 50 to 53 aborted and 54 their end.
 */
async function open(schema: z.ZodType<Record<string, unknown>>): Promise<SourceHarness> {
  const config = testConfig()
  const topic = await testTopic(config, 3)
  await topic.write(0, orders(1000, 1007))
  await topic.write(1, orders(0, 10))
  await topic.write(1, orders(10, 25))
  await topic.transaction(1, orders(25, 30), 'commit')
  await topic.transaction(1, orders(31, 39), 'abort')
  await topic.write(1, orders(40, 50))
  await topic.transaction(1, orders(50, 54), 'abort')
  await topic.removeBefore(1, 10)
  const source = openKafkaTopic(
    kafka.topic(topic.name, { schema, fields: { topicPartition: 'part', offset: 'place' }, position: 'n' }),
    { config, log: silentLog },
  )
  const bounds = await source.pin({ kind: 'offsets', records: 38 }, {}, signal)
  const plan = [...cut(bounds, { kind: 'offsets', records: 38 })]
  // Offsets 10 to 47 of topic partition 1, in the middle of its batches.
  const [, second, third] = plan
  if (second === undefined || third === undefined) throw new Error('the plan has too few partitions')
  const kind = 'integer' as const
  const part = { kind, from: String(BigInt(second.from) + 3n), to: second.to }
  const at = (offset: number): string => String(BigInt(second.from) + BigInt(offset - 10))
  const ids = [...Array(48).keys()].filter((id) => id >= 13 && id !== 30 && !(id >= 31 && id < 40))
  return {
    source,
    range: { range: part, locator: second.locator },
    rows: ids.map((id) => ({ ...rowOf(id), part: 1, place: BigInt(id), n: 7 + id - 10 })),
    nothing: [
      { range: { kind, from: part.from, to: part.from }, locator: second.locator },
      { range: { kind, from: '0', to: '0' }, locator: null },
      // Nothing but an aborted transaction and its end, and the end of a committed one.
      { range: { kind, from: at(31), to: at(40) }, locator: second.locator },
      { range: { kind, from: at(30), to: at(31) }, locator: second.locator },
    ],
    close: () => topic.close(),
  }
}

describeSource('kafka.topic', () => open(Order))
describeSource('kafka.topic with a schema that sees whole rows', () =>
  open(Order.refine(({ id }) => id >= 0n) as unknown as z.ZodType<Record<string, unknown>>),
)
