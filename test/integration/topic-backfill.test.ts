// Risk: a topic that the source alone reads well comes out otherwise by way of planner, workers and sink.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { PlanReport } from '../../src/contract/plan-report.ts'
import { readConfig } from '../../src/process/config.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { type TestRecord, type TestTopic, testTopic } from '../support/test-topic.ts'

const definition = (topic: string, id: string, source: string, sink: string): string => `
import { z } from 'zod'
import { defineBackfill, partition } from 'tidemark'
import { kafka } from 'tidemark/kafka'
import { postgres } from 'tidemark/postgres'

const Order = z.object({ id: z.int(), amount: z.bigint(), at: z.date() })

export default defineBackfill({
  id: '${id}',
  source: kafka.topic('${topic}', { schema: Order, ${source} }),
  partitionBy: partition.byOffsets(2_500),
  sink: ${sink},
  limits: { chunkRows: 700, maxRejectedRows: 10 },
})
`
const moment = (id: number): string => new Date(Date.UTC(2026, 0, 1) + id * 1_000).toISOString()
const order = (id: number): TestRecord => ({
  ...{ key: `order ${id}`, value: `{"id": ${id}, "amount": ${2n ** 60n + BigInt(id)}, "at": "${moment(id)}"}` },
})
const orders = (from: number, to: number): TestRecord[] => Array.from({ length: to - from }, (_, n) => order(from + n))

/**
 * 20,000 orders, 0 to 19,999, in three topic partitions, among them what is none: an aborted transaction, two records
 * that are no order and a tombstone.
 */
async function fill(topic: TestTopic): Promise<void> {
  await topic.write(0, orders(0, 9_000))
  await topic.transaction(1, orders(9_000, 12_000), 'commit')
  await topic.transaction(1, orders(50_000, 50_400), 'abort')
  await topic.write(1, [{ value: 'not JSON' }, { key: 'order 1', value: null }, { value: '{"id": "x"}' }])
  await topic.write(1, orders(12_000, 16_000))
  for (let from = 16_000; from < 20_000; from += 100) await topic.write(2, orders(from, from + 100))
}

async function run(small: SmallBackfill, id: string): Promise<Record<string, unknown>> {
  const ended = await small.tidemark('run', id, '--definitions', '.', '--json').ended
  expect(ended.code, ended.stderr).toBe(0)
  return JSON.parse(ended.stdout) as Record<string, unknown>
}

test('the records of a topic come to a table once, by their offsets and by their positions', async () => {
  const small = await createSmallBackfill({ rows: 10, rowGroupRows: 10, chunkRows: 10 })
  onTestFinished(small.close)
  const topic = await testTopic(readConfig(small.env), 3)
  onTestFinished(topic.close)
  await fill(topic)
  const schema = `${small.env['TIDEMARK_SCHEMA']}_sink`
  const columns = 'id int not null, amount bigint not null, at timestamptz not null'
  const fields = "fields: { key: 'k', topicPartition: 'part', offset: 'place' }, tombstones: 'skip'"
  const Row = '{ schema: Order.extend({ k: z.string(), part: z.int(), place: z.bigint() }),'
  for (const [id, source, sink, sql] of [
    [
      ...['by-offset', fields, `postgres.upsert('${schema}.by_offset', ${Row} key: ['part', 'place'] })`],
      `create table ${schema}.by_offset (${columns}, k text not null, part int, place bigint, primary key (part, place))`,
    ],
    [
      ...['by-position', "position: 'n', tombstones: 'skip'"],
      `postgres.insert('${schema}.by_position', { schema: Order.extend({ n: z.int() }), range: 'n' })`,
      `create table ${schema}.by_position (${columns}, n bigint primary key)`,
    ],
  ] as [string, string, string, string][]) {
    writeFileSync(join(small.folder, `${id}.ts`), definition(topic.name, id, source, sink))
    writeFileSync(join(small.folder, `${id}.prepare.sql`), `create schema if not exists ${schema};\n${sql};\n`)
  }

  const report = await run(small, 'by-offset')
  // 9,000, 7,405 with the ends of two transactions, and 4,000 offsets.
  expect(report).toMatchObject({
    ...{ state: 'completed', partitions: 4 + 3 + 2, partitionsFailed: 0, rowsRead: 20_003, rowsWritten: 20_000 },
    ...{ rowsRejected: 2, rowsReadAgain: 0 },
  })
  const [facts] = await small.query(
    `select count(*)::int as rows, count(distinct id)::int as ids, min(id) as first, max(id) as last,
            count(*) filter (where amount <> 2::numeric ^ 60 + id or k <> 'order ' || id
              or at <> timestamptz '2026-01-01Z' + id * interval '1 second'
              or part <> case when id < 9000 then 0 when id < 16000 then 1 else 2 end
              or place <> case when id < 9000 then id when id < 12000 then id - 9000
                               when id < 16000 then id - 12000 + 3405 else id - 16000 end)::int as wrong
       from ${schema}.by_offset`,
  )
  expect(facts).toEqual({ rows: 20_000, ids: 20_000, first: 0, last: 19_999, wrong: 0 })
  const rejected = await small.query<{ reason: string }>(
    `select reason from ${small.env['TIDEMARK_SCHEMA']}.rejected_row order by reason`,
  )
  expect(rejected.map(({ reason }) => reason)).toEqual([
    `topic "${topic.name}", topic partition 1, offset 3402: its value of 8 bytes is not JSON`,
    `topic "${topic.name}", topic partition 1, offset 3404: column "id" is "x", which z.int() does not take`,
  ])

  const positions = await run(small, 'by-position')
  expect(positions).toMatchObject({ rowsWritten: 20_000, rowsStored: 20_000 })
  expect(positions['contentHashStored']).toBe(positions['contentHashSent'])
  const plan = await small.tidemark('plan', 'by-position', '--definitions', '.', '--json').ended
  expect(plan.code, plan.stderr).toBe(0)
  expect(PlanReport.parse(JSON.parse(plan.stdout))).toMatchObject({
    ...{ partitions: 9, range: { kind: 'integer', from: '0', to: '20405' }, rows: { total: 20_405, largest: 2_500 } },
    forecast: { probedChunks: expect.any(Number) },
  })
  const groups = await topic.admin.listGroups()
  expect(groups.groups.filter(({ groupId }) => groupId.includes(topic.name))).toEqual([])
}, 180_000)
