// How fast events become the record: the writer's own path from the bytes of a record on, and the whole writer from a
// topic, with a tenth of the events told again and all of them out of order; beside it what the history alone costs, put
// into the same table by the same server without anything else. What comes out must be what the ordered events give.
// Then every question of the dashboard is asked of a ledger with a million partitions in one run.
import pg from 'pg'
import { control } from '../../src/compose/pools.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import * as topics from '../../src/kafka/topics.ts'
import { addFacts, historyRows } from '../../src/ledger/history.ts'
import { ledgerHash } from '../../src/ledger/ledger-hash.ts'
import { createLedgerWriter } from '../../src/ledger/ledger-writer.ts'
import { mergeEvents } from '../../src/ledger/merge.ts'
import { readEvent } from '../../src/ledger/read-event.ts'
import { holdTopicPartition } from '../../src/ledger/topic-partition.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool, withTransaction } from '../../src/postgres/pool.ts'
import { readConfig } from '../../src/process/config.ts'
import type { RecordFeedOptions } from '../../src/status/record-feed.ts'
import { eventually } from '../support/eventually.ts'
import { dashboardQueries, fillLedger } from '../support/filled-ledger.ts'
import { silentLog } from '../support/silent-log.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { type BenchResult, median } from './result.ts'
import { type BenchServers, root, startBenchServers } from './servers.ts'
import { disturbed, eventsPerTask, seeded, type ToldTopic, toldTasks } from './told-tasks.ts'

const events = Number(process.env['BENCH_EVENTS'] ?? 500_000)
const partitions = Number(process.env['BENCH_LEDGER_PARTITIONS'] ?? 1_000_000)
const perBatch = 500
/** Topic partitions that a writer records at the same time, as its feed hands them over. */
const atOnce = 4
const limitMs = 600_000

export async function benchLedger(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const pool = openPool({ connectionString: servers.databaseUrl, applicationName: 'bench', max: 8, log: silentLog })
  try {
    const ordered = toldTasks(Math.ceil(events / eventsPerTask))
    const told = disturbed(ordered, seeded(1))
    await recordFromMemory(pool, 'ordered', ordered)
    const expected = await ledgerHash(pool, 'ordered')
    const [own, whole, history]: [number[], number[], number[]] = [[], [], []]
    for (let round = 0; round < rounds; round += 1) {
      history.push(await recordHistoryAlone(pool, `history${round}`, told))
      own.push(await recordFromMemory(pool, `own${round}`, told))
      await requireSame(pool, `own${round}`, expected)
      whole.push(await recordFromTopic(servers, pool, `whole${round}`, told))
      await requireSame(pool, `whole${round}`, expected)
      console.error(
        `round ${round + 1} of ${rounds}: ${[own, whole, history].map((rates) => Math.round(rates.at(-1) ?? 0)).join(', ')} events/s`,
      )
      for (const schema of [`own${round}`, `whole${round}`, `history${round}`])
        await pool.query(`drop schema ${schema} cascade`)
    }
    const slowest = await slowestQuery(pool, rounds)
    return [
      { name: 'ledger: from the bytes on', value: median(own), unit: 'events/s', ratioTo: null },
      { name: 'ledger: the whole writer, from a topic', value: median(whole), unit: 'events/s', ratioTo: null },
      { name: 'the history alone, without any record', value: median(history), unit: 'events/s', ratioTo: null },
      ...ratio('ledger to its history alone', own, history, 'the history of the same events'),
      { name: `ledger: slowest question, ${slowest.what}`, value: slowest.ms, unit: 'ms', ratioTo: null },
    ]
  } finally {
    await pool.end()
    await servers.stop()
  }
}

const ratio = (name: string, a: readonly number[], b: readonly number[], ratioTo: string): readonly BenchResult[] => [
  { name, value: median(a.map((rate, at) => rate / (b[at] ?? rate))), unit: 'ratio', ratioTo },
]

const countOf = (topic: ToldTopic): number => topic.reduce((count, { length }) => count + length, 0)

async function requireSame(
  pool: Pool,
  schema: string,
  expected: Awaited<ReturnType<typeof ledgerHash>>,
): Promise<void> {
  const found = await ledgerHash(pool, schema)
  if (found.hash !== expected.hash)
    throw new Error(
      `the ledger is not that of the ordered events: ${JSON.stringify(found.tables)}, not ${JSON.stringify(expected.tables)}`,
    )
}

/** Hands over every batch of a topic partition in turn, some topic partitions at a time; events a second. */
async function timed(
  topic: ToldTopic,
  handle: (topicPartition: number, from: number) => Promise<void>,
): Promise<number> {
  const waiting = [...topic.keys()]
  const began = performance.now()
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      for (let from = 0; from < (topic[next]?.length ?? 0); from += perBatch) await handle(next, from)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return countOf(topic) / ((performance.now() - began) / 1_000)
}

async function recordFromMemory(pool: Pool, schema: string, topic: ToldTopic): Promise<number> {
  await migrate(pool, { schema, ...control })
  const codec = createCodec(configOf({}))
  let options: RecordFeedOptions | undefined
  createLedgerWriter({
    ...{ topic: 'status', groupId: 'ledger', pool, schema, log: silentLog, now: () => new Date() },
    feed: (given) => {
      options = given
      return { start: () => Promise.resolve(), stop: () => Promise.resolve() }
    },
    deadLetters: { publish: (letters) => Promise.reject(new Error(letters[0]?.message)) },
  })
  const { signal } = new AbortController()
  return timed(topic, async (topicPartition, from) => {
    const records = (topic[topicPartition] ?? []).slice(from, from + perBatch).map(({ offset, key, value }) => ({
      ...{ topic: 'status', topicPartition, offset, key, value, headers: {} },
      json: () => codec.decode(value),
    }))
    await options?.handle({ topicPartition, records, nextOffset: String(from + records.length) }, signal)
  })
}

/** The same bytes into the history's table and indexes, and nothing else: no record, no offsets. */
async function recordHistoryAlone(pool: Pool, schema: string, topic: ToldTopic): Promise<number> {
  await migrate(pool, { schema, ...control })
  return timed(topic, async (topicPartition, from) => {
    const some = (topic[topicPartition] ?? []).slice(from, from + perBatch)
    const placed = some.map(({ value, offset }) => ({ event: readEvent(JSON.parse(value.toString('utf8'))), offset }))
    const rows = historyRows(mergeEvents(placed).facts, topicPartition)
    const upTo = { topic: 'status', topicPartition, nextOffset: String(from + some.length) }
    await withTransaction(
      pool,
      (client) => addFacts(client, schema, rows, () => false),
      undefined,
      holdTopicPartition(schema, upTo),
    )
  })
}

const configOf = (env: NodeJS.ProcessEnv): ReturnType<typeof readConfig> =>
  readConfig({
    KAFKA_BROKERS: 'localhost:9092',
    DATABASE_URL: 'postgres://localhost/none',
    LOG_LEVEL: 'silent',
    ...env,
  })

/** From the first batch that is recorded to the last. */
async function recordFromTopic(servers: BenchServers, pool: Pool, name: string, topic: ToldTopic): Promise<number> {
  const config = configOf(servers.env(name))
  await migrate(pool, { schema: name, ...control })
  await topics.applyTopics(config, silentLog)
  const producer = createRecordProducer(createKafka(config, 'bench', silentLog), config)
  await producer.start()
  for (const events of topic)
    for (let at = 0; at < events.length; at += 5_000)
      await producer.send(
        topicName(name, 'status'),
        events.slice(at, at + 5_000).map(({ key, value }) => ({ key, value, headers: {} })),
      )
  await producer.stop()
  const db = new pg.Client({ connectionString: servers.databaseUrl })
  await db.connect()
  const recorded = async (): Promise<number> =>
    Number(
      (await db.query<{ n: string }>(`select coalesce(sum(next_offset), 0) as n from ${name}.ledger_offset`)).rows[0]
        ?.n,
    )
  // A process of its own, as it is used: this one has all the events in its memory.
  const ledger = startTidemark(['ledger'], root, servers.env(name))
  try {
    const first = await eventually('the first batch', async () => (await recorded()) || undefined, limitMs)
    const began = performance.now()
    const all = countOf(topic)
    await eventually('the last batch', async () => ((await recorded()) >= all ? true : undefined), limitMs)
    return (all - first) / ((performance.now() - began) / 1_000)
  } finally {
    ledger.child.kill('SIGTERM')
    await ledger.ended
    await db.end()
  }
}

async function slowestQuery(pool: Pool, rounds: number): Promise<{ readonly what: string; readonly ms: number }> {
  await migrate(pool, { schema: 'filled', ...control })
  await fillLedger(pool, 'filled', partitions)
  let slowest = { what: '', ms: 0 }
  for (const { what, text, values } of dashboardQueries('filled', partitions)) {
    const times: number[] = []
    for (let round = 0; round < 5 * rounds; round += 1) {
      const began = performance.now()
      await pool.query(text, [...values])
      times.push(performance.now() - began)
    }
    const ms = median(times)
    console.error(`${what}: ${ms.toFixed(2)} ms`)
    if (ms > slowest.ms) slowest = { what, ms }
  }
  return slowest
}
