import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import { recordsOf, type TopicRecord } from './batch-records.ts'
import type { FetchAnswer } from './fetch-request.ts'
import { type CommittedBatch, committedBatches, recordBatches } from './record-batches.ts'
import { offsetOutOfRange, type TopicConnection } from './topic-connection.ts'
import { topicUnreadable } from './topic-failure.ts'
import { untilAborted } from './until-aborted.ts'

/** Half-open range of offsets of one topic partition. */
export interface OffsetRange {
  readonly topic: string
  readonly topicPartition: number
  readonly from: bigint
  readonly to: bigint
}

/** For how long a topic partition may end below what was planned: a new leader learns of its end a moment later. */
const usualPatienceMs = 15_000

/**
 * The records of a range that are committed, some at a time, in order. It ends where the range does, whatever is left of
 * its offsets: compaction takes records, and the ends of transactions have offsets too. Never reads on past an offset
 * that the topic does not have any more: TerminalError (SOURCE_NOT_READABLE). Otherwise throws as the connection does.
 */
export async function* readOffsets(
  connection: Pick<TopicConnection, 'fetch' | 'offsets'>,
  range: OffsetRange,
  signal: AbortSignal,
  patienceMs = usualPatienceMs,
): AsyncGenerator<readonly TopicRecord[]> {
  const { from, to, topicPartition } = range
  let next = from
  let stuckSince: number | undefined
  while (next < to) {
    signal.throwIfAborted()
    const answer = await untilAborted(connection.fetch(topicPartition, next), signal)
    // The quota of the client is used up: kafkajs sends the next request when it may.
    if (answer === null) continue
    if (answer.errorCode === offsetOutOfRange) throw await untilAborted(whyNotThere(connection, range, next), signal)
    const before = next
    for (const batch of batchesOf(answer, range, next)) {
      if (batch.isCommitted && batch.nextOffset > next && batch.firstOffset < to) {
        const records = await recordsWithin(batch, { ...range, from: next })
        signal.throwIfAborted()
        if (records.length > 0) yield records
      }
      if (batch.nextOffset > next) next = batch.nextOffset
    }
    if (next > before) stuckSince = undefined
    else {
      stuckSince ??= performance.now()
      if (performance.now() - stuckSince < patienceMs) continue
      await untilAborted(requireEnd(connection, range, answer.lastStableOffset), signal)
      // What is decided reaches beyond the range, and nothing of it comes: compaction took the last records there were.
      return
    }
  }
}

function batchesOf(answer: FetchAnswer, range: OffsetRange, next: bigint): readonly CommittedBatch[] {
  try {
    return [...committedBatches(recordBatches(answer.records), answer.abortedTransactions)]
  } catch (error) {
    throw undecodable(range, next, error)
  }
}

async function recordsWithin(batch: CommittedBatch, range: OffsetRange): Promise<readonly TopicRecord[]> {
  try {
    const records = await recordsOf(batch)
    if (batch.firstOffset >= range.from && batch.nextOffset <= range.to) return records
    return records.filter(({ offset }) => offset >= range.from && offset < range.to)
  } catch (error) {
    throw undecodable(range, batch.firstOffset, error)
  }
}

/** Throws unless the range ends where records are decided. Records come also from a broker that leads no longer; only the leader tells the end. */
async function requireEnd(
  connection: Pick<TopicConnection, 'offsets'>,
  range: OffsetRange,
  lastStableOffset: bigint,
): Promise<void> {
  const { end } = await connection.offsets(range.topicPartition)
  if (end < range.to) throw endsTooSoon(range, end)
  if (lastStableOffset < range.to)
    throw new RetryableError('KAFKA_UNREACHABLE', `${placeOf(range)}: the broker that was asked is behind its leader`)
}

async function whyNotThere(
  connection: Pick<TopicConnection, 'offsets'>,
  range: OffsetRange,
  next: bigint,
): Promise<Error> {
  const { first, end } = await connection.offsets(range.topicPartition)
  if (next < first)
    return topicUnreadable(
      `${placeOf(range)}: offset ${next} is wanted, and the first that is there is ${first}. Its retention has removed ` +
        'records since the run was planned, and they are lost to it: keep records longer (retention.ms, ' +
        'retention.bytes), and start another run, which begins where the topic does',
    )
  if (next > end) return endsTooSoon(range, end)
  return new RetryableError('KAFKA_UNREACHABLE', `${placeOf(range)}: offset ${next} was not there a moment ago`)
}

const endsTooSoon = (range: OffsetRange, end: bigint): TerminalError =>
  topicUnreadable(
    `${placeOf(range)}: the plan has offsets to before ${range.to}, and it ends before ${end}: the topic was deleted and ` +
      'made anew, or has lost records with its brokers; start another run',
  )

const undecodable = (range: OffsetRange, offset: bigint, error: unknown): TerminalError =>
  topicUnreadable(`${placeOf(range)}: records from offset ${offset} on cannot be decoded: ${messageOf(error)}`, error)

const placeOf = ({ topic, topicPartition }: OffsetRange): string =>
  `topic "${topic}", topic partition ${topicPartition}`
