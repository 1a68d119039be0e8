// node ledger-memory.ts record|history told|ordered SCHEMA EVENTS NTH/WRITERS: puts events that it has in its memory into a
// ledger, or into its history alone: those of the topic partitions that are its own as the nth of some writers, once it
// reads a line. Prints a line when it is ready and one when it is through. A process of its own, as a writer is.
import { createInterface } from 'node:readline/promises'
import { control } from '../../src/compose/pools.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { incomingRecord, type ReadRecord } from '../../src/kafka/incoming-record.ts'
import { addFacts, historyRows } from '../../src/ledger/history.ts'
import { createLedgerWriter } from '../../src/ledger/ledger-writer.ts'
import { mergeEvents } from '../../src/ledger/merge.ts'
import { readEvent } from '../../src/ledger/read-event.ts'
import { holdTopicPartition } from '../../src/ledger/topic-partition.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { openPool, withTransaction } from '../../src/postgres/pool.ts'
import { readConfig } from '../../src/process/config.ts'
import type { RecordFeedOptions } from '../../src/status/record-feed.ts'
import { silentLog } from '../support/silent-log.ts'
import { disturbed, eventsPerTask, seeded, toldTasks } from './told-tasks.ts'

const [what, order, schema = '', events, place = '0/1'] = process.argv.slice(2)
const [nth = 0, writers = 1] = place.split('/').map(Number)
const perBatch = 500
/** Topic partitions that a writer records at the same time, as its feed hands them over. */
const atOnce = 4

const topic = packed()
const config = readConfig({ KAFKA_BROKERS: 'localhost:9092', LOG_LEVEL: 'silent', ...process.env })
const pool = openPool({ connectionString: config.databaseUrl, applicationName: 'bench', max: 8, log: silentLog })
await migrate(pool, { schema, ...control })
const handle = what === 'history' ? recordHistoryAlone : recorder()
const lines = createInterface(process.stdin)
console.log('ready')
// Without a line whoever started this is gone.
if (!(await lines[Symbol.asyncIterator]().next()).done) {
  await handOver(handle)
  console.log('through')
}
lines.close()
await pool.end()

/** A topic partition in few pieces: the writer has but what it was handed over, and a million objects around it cost it time. */
interface PackedPartition {
  readonly bytes: Buffer
  /** Where keys and values end in it, one after the other. */
  readonly ends: Uint32Array
  readonly offsets: Uint32Array
}

function packed(): readonly PackedPartition[] {
  const ordered = toldTasks(Math.ceil(Number(events) / eventsPerTask))
  return (order === 'ordered' ? ordered : disturbed(ordered, seeded(1))).map((told) => {
    const pieces = told.flatMap(({ key, value }) => [Buffer.from(key), value])
    let end = 0
    const ends = Uint32Array.from(pieces, ({ length }) => (end += length))
    return { bytes: Buffer.concat(pieces), ends, offsets: Uint32Array.from(told, ({ offset }) => Number(offset)) }
  })
}

/** The records of a batch, as a consumer has them. */
function batchOf({ bytes, ends, offsets }: PackedPartition, from: number): ReadRecord[] {
  return Array.from(offsets.subarray(from, from + perBatch), (offset, n) => {
    const [at, middle, end] = [ends[2 * (from + n) - 1] ?? 0, ends[2 * (from + n)] ?? 0, ends[2 * (from + n) + 1]]
    return { offset: String(offset), key: bytes.subarray(at, middle), value: bytes.subarray(middle, end) }
  })
}

function partitionAt(topicPartition: number): PackedPartition {
  return topic[topicPartition] as PackedPartition
}

type Handle = (topicPartition: number, from: number) => Promise<void>

/** Hands over every batch of a topic partition in turn, some topic partitions at a time. */
async function handOver(handle: Handle): Promise<void> {
  const waiting = [...topic.keys()].filter((topicPartition) => topicPartition % writers === nth)
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      for (let from = 0; from < partitionAt(next).offsets.length; from += perBatch) await handle(next, from)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** The writer's own path, from the bytes of a record on. */
function recorder(): Handle {
  const codec = createCodec(config)
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
  return async (topicPartition, from) => {
    const records = batchOf(partitionAt(topicPartition), from).map((record) =>
      incomingRecord('status', topicPartition, record, codec),
    )
    await options?.handle({ topicPartition, records, nextOffset: String(from + records.length) }, signal)
  }
}

/** The same bytes into the history's table and indexes, and nothing else: no record, no offsets. */
async function recordHistoryAlone(topicPartition: number, from: number): Promise<void> {
  const some = batchOf(partitionAt(topicPartition), from)
  const placed = some.map(({ value, offset }) => ({ event: readEvent(JSON.parse(String(value))), offset }))
  const rows = historyRows(mergeEvents(placed).facts, topicPartition)
  const upTo = { topic: 'status', topicPartition, nextOffset: String(from + some.length) }
  await withTransaction(
    pool,
    (client) => addFacts(client, schema, rows, () => false),
    undefined,
    holdTopicPartition(schema, upTo),
  )
}
