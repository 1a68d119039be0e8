// How fast events become the record: the writer's own path from the bytes of a record on, by one writer and by two that
// share the topic partitions, and whole writers from a topic; a tenth of the events is told again and all of them are out of
// order. Beside it what the history alone costs, put into the same table by the same server without anything else. What
// comes out must be what the ordered events give. Then every question of the dashboard is asked of a ledger with a million
// partitions in one run.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import pg from 'pg'
import { control } from '../../src/compose/pools.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import * as topics from '../../src/kafka/topics.ts'
import { ledgerHash } from '../../src/ledger/ledger-hash.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, type Pool } from '../../src/postgres/pool.ts'
import { readConfig } from '../../src/process/config.ts'
import { eventually } from '../support/eventually.ts'
import { dashboardQueries, fillLedger } from '../support/filled-ledger.ts'
import { silentLog } from '../support/silent-log.ts'
import { startTidemark } from '../support/tidemark-process.ts'
import { type BenchResult, median } from './result.ts'
import { type BenchServers, root, startBenchServers } from './servers.ts'
import { disturbed, eventsPerTask, seeded, type ToldTopic, toldTasks } from './told-tasks.ts'

const events = Number(process.env['BENCH_EVENTS'] ?? 500_000)
const partitions = Number(process.env['BENCH_LEDGER_PARTITIONS'] ?? 1_000_000)
/** More than two only take the two cores from each other. */
const several = 2
const limitMs = 600_000

export async function benchLedger(rounds: number): Promise<readonly BenchResult[]> {
  const servers = await startBenchServers()
  const pool = openPool({ connectionString: servers.databaseUrl, applicationName: 'bench', max: 8, log: silentLog })
  try {
    const told = disturbed(toldTasks(Math.ceil(events / eventsPerTask)), seeded(1))
    const all = told.reduce((count, { length }) => count + length, 0)
    const fromMemory = async (what: 'record' | 'history', schema: string, writers: number): Promise<number> =>
      all / (await secondsOf(servers, ['./ledger-memory.ts', what, 'told', schema, String(events)], writers))
    await secondsOf(servers, ['./ledger-memory.ts', 'record', 'ordered', 'ordered', String(events)], 1)
    const expected = await ledgerHash(pool, 'ordered')
    const measures = {
      alone: (schema: string) => fromMemory('history', schema, 1),
      one: (schema: string) => fromMemory('record', schema, 1),
      two: (schema: string) => fromMemory('record', schema, several),
      oneFromTopic: (schema: string) => recordFromTopic(servers, pool, schema, told, 1),
      twoFromTopic: (schema: string) => recordFromTopic(servers, pool, schema, told, several),
    }
    const rates = { alone: [], one: [], two: [], oneFromTopic: [], twoFromTopic: [] } as Record<
      keyof typeof measures,
      number[]
    >
    for (let round = 0; round < rounds; round += 1)
      for (const [name, measure] of Object.entries(measures) as [keyof typeof measures, (typeof measures)['one']][]) {
        const schema = `${name.toLowerCase()}${round}`
        const rate = await measure(schema)
        console.error(`round ${round + 1} of ${rounds}, ${name}: ${Math.round(rate)} events/s`)
        if (name !== 'alone') await requireSame(pool, schema, expected)
        await pool.query(`drop schema ${schema} cascade`)
        rates[name].push(rate)
      }
    const slowest = await slowestQuery(pool, rounds)
    const rate = (name: string, of: readonly number[]): BenchResult => ({
      ...{ name, value: median(of), unit: 'events/s', ratioTo: null },
    })
    return [
      rate('ledger: two writers, from the bytes on', rates.two),
      rate('ledger: one writer, from the bytes on', rates.one),
      rate('ledger: two whole writers, from a topic', rates.twoFromTopic),
      rate('ledger: one whole writer, from a topic', rates.oneFromTopic),
      rate('the history alone, by one, without any record', rates.alone),
      ...ratio('one writer to its history alone', rates.one, rates.alone, 'the history of the same events'),
      ...ratio('two writers to one', rates.two, rates.one, 'one writer'),
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

/** How long writers take that begin together, each with its own share of the topic partitions. */
async function secondsOf(servers: BenchServers, [file = '', ...args]: string[], writers: number): Promise<number> {
  const started = Array.from({ length: writers }, (_, nth) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args, `${nth}/${writers}`], {
      ...{ env: servers.env(), stdio: ['pipe', 'pipe', 'inherit'] },
    })
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  })
  const said = async (what: string): Promise<void> => {
    for (const { lines } of started) {
      const { value } = await lines.next()
      if (value !== what) throw new Error(`a writer was to say "${what}", not ${JSON.stringify(value)}`)
    }
  }
  await said('ready')
  const began = performance.now()
  for (const { child } of started) child.stdin.end('go\n')
  await said('through')
  return (performance.now() - began) / 1_000
}

const configOf = (env: NodeJS.ProcessEnv): ReturnType<typeof readConfig> =>
  readConfig({
    KAFKA_BROKERS: 'localhost:9092',
    DATABASE_URL: 'postgres://localhost/none',
    LOG_LEVEL: 'silent',
    ...env,
  })

/** From the first batch that is recorded to the last. */
async function recordFromTopic(
  servers: BenchServers,
  pool: Pool,
  name: string,
  topic: ToldTopic,
  writers: number,
): Promise<number> {
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
  const ledgers = Array.from({ length: writers }, () => startTidemark(['ledger'], root, servers.env(name)))
  try {
    const first = await eventually('the first batch', async () => (await recorded()) || undefined, limitMs)
    const began = performance.now()
    const all = topic.reduce((count, { length }) => count + length, 0)
    await eventually('the last batch', async () => ((await recorded()) >= all ? true : undefined), limitMs)
    return (all - first) / ((performance.now() - began) / 1_000)
  } finally {
    for (const { child } of ledgers) child.kill('SIGTERM')
    await Promise.all(ledgers.map(({ ended }) => ended))
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
