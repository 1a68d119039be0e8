import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { IncomingRecord, RecordBatch } from '../status/record-feed.ts'
import type { TopicHistory, TopicRange } from '../status/topic-history.ts'
import { pause } from '../work/pause.ts'
import type { TopicRecord } from './batch-records.ts'
import { withAdmin } from './client.ts'
import type { Codec } from './codec.ts'
import { topicOffsets, whyNoTopic } from './describe-topic.ts'
import { incomingRecord } from './incoming-record.ts'
import { readOffsets } from './read-offsets.ts'
import { connectTopic, type TopicConnection } from './topic-connection.ts'
import { topicFailure, topicUnreadable } from './topic-failure.ts'

const recordsPerBatch = 500
/** How long an outage is waited out. */
const patienceMs = 60_000
const againMs = 1_000

/** A topic of Tidemark's own, read by its offsets. */
export function openTopicHistory(config: Config, codec: Codec, topic: string, log: Log): TopicHistory {
  const offsets = async (): Promise<readonly TopicRange[]> =>
    (await topicOffsets(config, topic, log)).map(({ topicPartition, from, to }) => ({
      topicPartition,
      from: BigInt(from),
      to: BigInt(to),
    }))

  /** What of a range retention has removed meanwhile, as what it is to whoever reads on at `next`. */
  const whyUnreadable = async (error: TerminalError, { topicPartition }: TopicRange, next: bigint): Promise<Error> => {
    const there = await offsets().catch(() => [])
    const now = there.find((range) => range.topicPartition === topicPartition)
    if (now === undefined || now.from <= next) return error
    return topicUnreadable(
      `topic "${topic}", topic partition ${topicPartition}: its retention removed offsets ${next} to ${now.from - 1n} ` +
        'before they were read: keep records longer (retention.ms, retention.bytes), and begin again',
      error,
    )
  }

  /** The records of a range; reads on over a new connection while an outage lasts. */
  async function* recordsIn(range: TopicRange, signal: AbortSignal): AsyncGenerator<readonly TopicRecord[]> {
    let next = range.from
    let failingSince: number | undefined
    while (next < range.to) {
      let connection: TopicConnection | undefined
      try {
        connection = await connectTopic(config, topic, log)
        for await (const records of readOffsets(connection, { topic, ...range, from: next }, signal)) {
          yield records
          next = (records.at(-1)?.offset ?? next - 1n) + 1n
          failingSince = undefined
        }
        return
      } catch (error) {
        if (error instanceof TerminalError) throw await whyUnreadable(error, range, next)
        if (!(error instanceof RetryableError)) throw error
        failingSince ??= performance.now()
        if (performance.now() - failingSince > patienceMs) throw error
        log.warn({ topic, offset: next.toString(), error: error.message }, 'cannot be read on: tries again')
        await pause(againMs, signal)
      } finally {
        await connection?.close()
      }
    }
  }

  async function* batchesIn(range: TopicRange, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const { topicPartition, to } = range
    let waiting: IncomingRecord[] = []
    for await (const records of recordsIn(range, signal))
      for (const { offset, key, value, headers } of records) {
        if (waiting.length === recordsPerBatch) {
          yield { topicPartition, records: waiting, nextOffset: offset.toString() }
          waiting = []
        }
        waiting.push(incomingRecord(topic, topicPartition, { offset: offset.toString(), key, value, headers }, codec))
      }
    yield { topicPartition, records: waiting, nextOffset: to.toString() }
  }

  return {
    topic,
    offsets: async () => {
      const problem = await whyNoTopic(config, topic, log)
      if (problem !== null) throw new TerminalError('TOPIC_MISSING', problem)
      return offsets()
    },
    offsetsAt: async (at) => {
      try {
        const found = await withAdmin(config, log, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, at.getTime()))
        return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]))
      } catch (error) {
        throw topicFailure(config, topic, error)
      }
    },
    firstAt: async (range, signal) => {
      for await (const [first] of recordsIn(range, signal)) if (first !== undefined) return new Date(first.timestamp)
      return null
    },
    read: async function* (ranges, signal) {
      // What was never written to has no place to note down.
      for (const range of ranges) if (range.to > 0n) yield* batchesIn(range, signal)
    },
  }
}
