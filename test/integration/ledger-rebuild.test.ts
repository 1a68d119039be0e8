// Risk: a ledger that was lost cannot be had again from the topic, or what is had is not what the ledger said.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { composeRole, type RebuiltLedger, rebuildLedger } from '../../src/compose.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { createStatusLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer, type RecordProducer } from '../../src/kafka/producer.ts'
import { topicName } from '../../src/kafka/topic-catalog.ts'
import { applyTopics } from '../../src/kafka/topics.ts'
import { offsetsText, parseAsOf } from '../../src/ledger/as-of.ts'
import { type LedgerHash, ledgerHash } from '../../src/ledger/ledger-hash.ts'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import type { Mark } from '../../src/process/marks.ts'
import { eventIdOf } from '../../src/status/event-id.ts'
import { eventually } from '../support/eventually.ts'
import { failed } from '../support/partition-events.ts'
import { silentLog } from '../support/silent-log.ts'
import { anyStatusEvent } from '../support/status-events.ts'
import { testConfig } from '../support/test-config.ts'
import { startTidemark } from '../support/tidemark-process.ts'

const config = testConfig()
const topic = topicName(config.topicPrefix, 'status')
const admin = createKafka(config, 'test', silentLog).admin()
const schemas = new Set([config.schema])
let pool: Pool
let producer: RecordProducer

/** Where the live ledger stood, and what it said. */
interface Stand {
  readonly asOf: string
  readonly ledger: LedgerHash
}
let middle: Stand
let end: Stand
/** After the first half of the events was written, and before the second. */
let halfAt: Date

/** Facts of some hundred runs, each of them once, and some of them again behind those of other runs. */
function someFacts(seed: number): StatusEvent[] {
  const facts = new Map<string, StatusEvent>()
  for (const [n, event] of fc.sample(anyStatusEvent, { numRuns: 6_000, seed }).entries()) {
    const ofOwn = JSON.stringify(event)
      .replaceAll('-4000-8000-0000', `-4000-8000-${String(seed * 1_000 + Math.floor(n / 20)).padStart(4, '0')}`)
      // One that is null is known by the request's hash alone, which is the same for all.
      .replaceAll(/"requestKey":(null|"key-0")/g, `"requestKey":"key-${seed}-${n}"`)
    const own = JSON.parse(ofOwn) as StatusEvent
    facts.set(eventIdOf(own), own)
  }
  const once = [...facts.values()]
  return [...once, ...once.filter((_, n) => n % 10 === 0)]
}

const publish = (events: readonly StatusEvent[]): Promise<void> =>
  createStatusLog({ producer, codec: createCodec(config), topicPrefix: config.topicPrefix, source: 'test' }).publish(
    events,
  )

async function produceHalf(seed: number): Promise<void> {
  await publish(someFacts(seed))
  // Neither is an event: not JSON, and what no Postgres can store.
  await producer.send(topic, [{ key: 'none', value: Buffer.from(`nonsense ${seed}`), headers: {} }])
  await publish([failed({ partitionId: randomUUID(), message: 'a\0b' })])
}

async function stand(): Promise<Stand> {
  const { rows } = await query<{ topic_partition: string; next_offset: string }>(
    pool,
    `select topic_partition, next_offset from "${config.schema}".ledger_offset order by topic_partition`,
  )
  const places = rows.map((row) => ({ topicPartition: Number(row.topic_partition), to: BigInt(row.next_offset) }))
  return { asOf: offsetsText(places), ledger: await ledgerHash(pool, config.schema) }
}

/** Lets a ledger writer make so many statements, then holds it. */
function heldAfter(statements: number): { mark: Mark; isHeld(): boolean; go(): void } {
  const gate = Promise.withResolvers<void>()
  let [begun, held] = [0, false]
  return {
    mark: async (id) => {
      if (id !== 'L1') return
      held ||= begun >= statements
      if (held) await gate.promise
      begun += 1
    },
    isHeld: () => held,
    go: gate.resolve,
  }
}

/** Where the ledger stands once nothing of it changes, and no statement of a writer is under way. */
async function settled(): Promise<Stand> {
  let before: Stand | undefined
  return eventually('the ledger stands still', async () => {
    const { rows } = await query<{ n: number }>(
      pool,
      `select count(*)::int as n from pg_stat_activity where application_name = $1 and state <> 'idle'`,
      [`tidemark ledger-${process.pid}`],
    )
    const now = await stand()
    const isStill = rows[0]?.n === 0 && before?.asOf === now.asOf && before.ledger.hash === now.ledger.hash
    before = now
    return isStill ? now : undefined
  })
}

async function ends(): Promise<string> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsetsText(
    offsets
      .map(({ partition, high }) => ({ topicPartition: partition, to: BigInt(high) }))
      .filter(({ to }) => to > 0n)
      .sort((a, b) => a.topicPartition - b.topicPartition),
  )
}

function rebuilt(asOf?: string, given = config): Promise<RebuiltLedger & { schema: string }> {
  const into = `${config.schema}_${schemas.size}`
  schemas.add(into)
  const place = asOf === undefined ? null : parseAsOf(asOf)
  const { signal } = new AbortController()
  return rebuildLedger(given, { into, asOf: place, signal, told: () => {} }, silentLog).then((ledger) => ({
    ...ledger,
    schema: into,
  }))
}

beforeAll(async () => {
  pool = openPool({ connectionString: config.databaseUrl, applicationName: 'test', max: 4, log: silentLog })
  await applyTopics(config, silentLog)
  await admin.connect()
  producer = createRecordProducer(createKafka(config, 'test', silentLog), config)
  await producer.start()
  await produceHalf(1)
  halfAt = new Date(Date.now() + 1)
  await eventually('the second half is written later', async () => (Date.now() > halfAt.getTime() ? true : undefined))
  await produceHalf(2)

  const held = heldAfter(9)
  const writer = await composeRole('ledger', config, silentLog, held.mark)
  await writer.start()
  await eventually('the writer is held', async () => held.isHeld() || undefined)
  middle = await settled()
  held.go()
  const all = await ends()
  await eventually('the whole topic is recorded', async () => ((await stand()).asOf === all ? true : undefined), 60_000)
  await writer.stop()
  end = await stand()
}, 120_000)

afterAll(async () => {
  await producer.stop()
  await admin.disconnect()
  for (const schema of schemas) await query(pool, `drop schema if exists "${schema}" cascade`)
  await pool.end()
})

test('of the whole topic it is the live ledger, and says so', async () => {
  const whole = await rebuilt()
  expect(whole.ledger).toEqual(end.ledger)
  expect(whole.live).toEqual({ equal: true, asOf: offsetsText(whole.ranges) })
  // Two a half, as the live writer met them.
  expect(whole).toMatchObject({
    refused: 4,
    firstRefused: expect.arrayContaining([expect.objectContaining({ reason: expect.stringContaining('nonsense 1') })]),
  })
  expect(whole.records).toBe(whole.ranges.reduce((sum, { to }) => sum + Number(to), 0))
  expect(whole.ledger.tables['ledger_history']?.rows).toBeLessThan(whole.records - whole.refused)
  const letters = await admin.fetchTopicOffsets(topicName(config.topicPrefix, 'dead-letters'))
  expect(letters.reduce((sum, { high }) => sum + Number(high), 0)).toBe(4)
})

test('as of the offsets in the middle it is what the live ledger was then', async () => {
  expect(middle.ledger.hash).not.toBe(end.ledger.hash)
  expect(middle.asOf).not.toBe(end.asOf)
  const then = await rebuilt(middle.asOf)
  expect(then.ledger).toEqual(middle.ledger)
  expect(then.live).toMatchObject({
    equal: null,
    why: `it stands at ${end.asOf}, which does not lie within what was read`,
  })
})

test('as of a time it is what had been told before', async () => {
  const before = await rebuilt(halfAt.toISOString())
  expect(before.firstRefused.map(({ reason }) => reason).join()).toContain('nonsense 1')
  expect(before.firstRefused.map(({ reason }) => reason).join()).not.toContain('nonsense 2')
  const { rows } = await query<{ n: string }>(
    pool,
    `select count(*) as n from "${before.schema}".ledger_event where event::text like '%-4000-8000-2%'`,
  )
  expect(rows[0]?.n).toBe('0')
  expect((await rebuilt(offsetsText(before.ranges))).ledger).toEqual(before.ledger)
  await expect(rebuilt(new Date(Date.now() + 60_000).toISOString())).rejects.toThrow('lies in the future')
})

test('a ledger whose tables were emptied is had again, also where it was', async () => {
  const { rows } = await query<{ name: string }>(
    pool,
    `select table_name as name from information_schema.tables where table_schema = $1 and table_type = 'BASE TABLE' and table_name like 'ledger\\_%'`,
    [config.schema],
  )
  await expect(rebuildInto(config.schema)).rejects.toThrow(`schema "${config.schema}" has a ledger in it`)
  await query(pool, `truncate ${rows.map(({ name }) => `"${config.schema}".${name}`).join(', ')}`)
  expect((await rebuilt()).ledger).toEqual(end.ledger)
  const again = await rebuildInto(config.schema)
  expect(again.ledger).toEqual(end.ledger)
  expect((await stand()).asOf).toBe(end.asOf)
})

const rebuildInto = (into: string): Promise<RebuiltLedger> =>
  rebuildLedger(config, { into, asOf: null, signal: new AbortController().signal, told: () => {} }, silentLog)

test('a live ledger that is behind, or goes on meanwhile, is compared where it stood', async () => {
  const behind = await rebuilt(middle.asOf)
  const beside = { ...config, schema: behind.schema }
  const whole = await rebuilt(undefined, beside)
  expect(whole.ledger).toEqual(end.ledger)
  expect(whole.live).toMatchObject({ equal: true })
  expect(whole.live).not.toMatchObject({ asOf: offsetsText(whole.ranges) })
  expect(whole.refused).toBe(4)
  await query(pool, `delete from "${behind.schema}".ledger_acknowledgement`)
  const harmed = await rebuilt(undefined, beside)
  expect(harmed.ledger).toEqual(end.ledger)
  expect(harmed.live).toMatchObject({ equal: false, tables: ['ledger_acknowledgement'] })
})

test('the command prints the hash, and exits 4 when the live ledger says something else', async () => {
  const run = async (into: string, ...more: string[]) => {
    schemas.add(into)
    const env = {
      ...{ PATH: process.env['PATH'], KAFKA_BROKERS: config.kafka.brokers.join(), DATABASE_URL: config.databaseUrl },
      ...{ TIDEMARK_TOPIC_PREFIX: config.topicPrefix, TIDEMARK_SCHEMA: config.schema },
    }
    return startTidemark(['ledger', 'rebuild', '--into', into, ...more], tmpdir(), env).ended
  }
  const equal = await run(`${config.schema}_cli`, '--json')
  expect(equal.code, equal.stderr).toBe(0)
  expect(JSON.parse(equal.stdout)).toMatchObject({
    hash: end.ledger.hash,
    facts: end.ledger.tables['ledger_history']?.rows,
    refused: 4,
    live: { equal: true },
  })
  expect(equal.stderr).toMatch(/^rebuilding: [\d,]+ of [\d,]+ records, 100 %$/m)

  const taken = await run(`${config.schema}_cli`)
  expect(taken.code).toBe(8)
  expect(taken.stderr).toContain('has a ledger in it')
  const unknown = await run(`${config.schema}_cli2`, '--as-of', 'yesterday')
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain('2026-01-31T12:00:00Z')

  await query(
    pool,
    `delete from "${config.schema}".ledger_run where run_id = (select min(run_id::text)::uuid from "${config.schema}".ledger_run)`,
  )
  const differs = await run(`${config.schema}_cli3`)
  expect(differs.code).toBe(4)
  expect(differs.stdout).toContain(end.ledger.hash)
  expect(differs.stderr).toContain('is not what the topic says: ledger_run differ')
})

test('what retention has removed is not made up: the earliest possible is named', async () => {
  const offsets = await admin.fetchTopicOffsets(topic)
  const [some] = offsets.filter(({ high }) => Number(high) > 100)
  if (some === undefined) throw new Error('no topic partition with records')
  const { partition } = some
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: '50' }] })
  await expect(rebuilt(`${partition}:49`)).rejects.toThrow(
    new RegExp(`the earliest possible is .*\\b${partition}:50\\b`),
  )
  await expect(rebuilt('1999-01-01T00:00:00Z')).rejects.toThrow(/the earliest possible is 2\d{3}-.*Z$/)
  const rest = await rebuilt()
  expect(rest.ranges.find(({ topicPartition }) => topicPartition === partition)?.from).toBe(50n)
  expect(rest.ledger.hash).not.toBe(end.ledger.hash)
  expect(rest.live.equal).toBeNull()
})

test('a topic that is not there is named, and no schema is made', async () => {
  const other = testConfig()
  await expect(rebuilt(undefined, other)).rejects.toThrow(
    `topic "${topicName(other.topicPrefix, 'status')}" does not exist`,
  )
})
