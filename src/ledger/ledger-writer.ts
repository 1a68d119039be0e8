import type { DeadLetterMessage } from '../contract/dead-letter.ts'
import { TerminalError } from '../contract/errors.ts'
import { codeOf } from '../postgres/classify.ts'
import type { Pool } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import { RowError } from '../sink/sink.ts'
import type { IncomingRecord, RecordBatch, RecordFeed } from '../status/record-feed.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { unreadable } from '../status/unreadable.ts'
import type { PlacedEvent } from './placed-event.ts'
import { readEvent } from './read-event.ts'
import { recordEvents } from './record-events.ts'
import { type ReadUpTo, storedOffsets } from './topic-partition.ts'

export interface LedgerWriterDeps {
  readonly feed: RecordFeed
  /** The status topic. */
  readonly topic: string
  readonly groupId: string
  readonly pool: Pool
  readonly schema: string
  readonly deadLetters: DeadLetterLog
  readonly mark?: Mark
  now(): Date
  readonly log: Log
}

/** Events of one statement: beyond this it gets no faster. */
const eventsPerStatement = 500

/**
 * Reads the status topic; writes the ledger tables, and dead letters for what is no event. Offsets are stored in the
 * transaction that records the events, so after a crash each is recorded exactly once in effect. Never stops at a bad
 * record, and never writes anything but the ledger.
 */
export function createLedgerWriter(deps: LedgerWriterDeps): Service {
  const { feed, topic, groupId, pool, schema } = deps
  return feed({
    topic,
    groupId,
    gathers: true,
    startAt: (topicPartitions) => storedOffsets(pool, schema, topic, topicPartitions),
    handle: (batch, signal) => recordBatch(deps, batch, signal),
  })
}

async function recordBatch(
  deps: LedgerWriterDeps,
  { topicPartition, records, nextOffset }: RecordBatch,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < records.length; at += eventsPerStatement) {
    signal.throwIfAborted()
    const some = records.slice(at, at + eventsPerStatement)
    const after = records[at + eventsPerStatement]?.offset ?? nextOffset
    await recordSome(deps, { topicPartition, records: some, nextOffset: after })
  }
}

/** Dead letters first, then the offset: a letter may be written twice, but is never lost. */
async function recordSome(deps: LedgerWriterDeps, { topicPartition, records, nextOffset }: RecordBatch): Promise<void> {
  const read: ReadRecord[] = []
  const letters: DeadLetterMessage[] = []
  for (const record of records)
    try {
      read.push({ record, event: readEvent(await record.json()), offset: record.offset })
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error
      letters.push(unreadable(record, error, deps.now()))
    }
  if (letters.length > 0) await bury(deps, letters)
  await store(deps, read, { topic: deps.topic, topicPartition, nextOffset })
}

interface ReadRecord extends PlacedEvent {
  readonly record: IncomingRecord
}

/** An event that Postgres cannot store must not hold up those around it: halves, down to the one. */
async function store(deps: LedgerWriterDeps, read: readonly ReadRecord[], upTo: ReadUpTo): Promise<void> {
  try {
    await deps.mark?.('L1')
    await recordEvents(deps.pool, deps.schema, read, upTo)
    await deps.mark?.('L2')
  } catch (error) {
    const [only, ...others] = read
    if (!isUnstorable(error) || only === undefined) throw error
    if (others.length === 0) {
      await bury(deps, [unreadable(only.record, error, deps.now())])
      return recordEvents(deps.pool, deps.schema, [], upTo)
    }
    const half = Math.ceil(read.length / 2)
    await store(deps, read.slice(0, half), { ...upTo, nextOffset: read[half]?.offset ?? upTo.nextOffset })
    await store(deps, read.slice(half), upTo)
  }
}

async function bury({ deadLetters, log }: LedgerWriterDeps, letters: readonly DeadLetterMessage[]): Promise<void> {
  for (const { topicPartition, offset, message } of letters)
    log.warn({ topicPartition, offset, message }, 'not an event: dead letter')
  await deadLetters.publish(letters)
}

/** SQLSTATE class 22 (data exception) or 23 (constraint), or found before it was sent: it will be as wrong the next time. */
const isUnstorable = (error: unknown): boolean => error instanceof RowError || /^2[23]/.test(codeOf(error) ?? '')
