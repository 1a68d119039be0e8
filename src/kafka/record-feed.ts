import type { Consumer, Kafka } from 'kafkajs'
import { messageOf } from '../contract/errors.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import type { RecordBatch, RecordFeedOptions } from '../status/record-feed.ts'
import { kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { brokersAnswer, watchConsumer } from './consumer-watch.ts'
import { incomingRecord } from './incoming-record.ts'

export interface RecordFeedDeps {
  readonly kafka: Kafka
  readonly config: Config
  readonly codec: Codec
  readonly log: Log
  /** Called when the consumer died for good: the process should end and be restarted. */
  onDead(error: Error): void
}

const recordsPerBatch = 500
const longestPauseMs = 5_000
/** What a reader that gathers asks a broker to have before it answers. */
const gatheredBytes = 1_048_576

/**
 * Reads one topic as a member of a group, handing over one batch at a time per topic partition (planner, ledger).
 * Commits an offset only after the batch was handled, or never when the reader keeps its own. A batch that fails
 * stays first in line: its topic partition is paused and the batch comes again. Never skips a record.
 */
export function createRecordFeed(deps: RecordFeedDeps, options: RecordFeedOptions): Service {
  const { kafka, config, codec, log } = deps
  const { topic, groupId, startAt } = options
  const heartbeatMs = Math.min(1_000, config.kafka.sessionTimeoutMs / 5)
  const consumer: Consumer = kafka.consumer({
    groupId,
    sessionTimeout: config.kafka.sessionTimeoutMs,
    rebalanceTimeout: 6_000,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: 100,
    minBytes: options.gathers === true ? gatheredBytes : 1,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 300, retries: 20, maxRetryTime: 1_000, restartOnFailure: async () => true },
  })
  const ended = new AbortController()
  const died = Promise.withResolvers<never>()
  let watch: ReturnType<typeof watchConsumer> | undefined
  died.promise.catch(() => {})
  const failures = new Map<number, number>()
  /** Readers with their own offsets: topic partitions whose place is not found yet. */
  let unplaced = new Set<number>()

  const die = (error: Error): void => {
    died.reject(error)
    deps.onDead(error)
  }

  const place = async (topicPartitions: readonly number[]): Promise<void> => {
    if (startAt === undefined) return
    for (let pauseMs = 100; !ended.signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        const places = await startAt(topicPartitions)
        for (const topicPartition of topicPartitions) {
          const offset = places.get(topicPartition)
          if (offset !== undefined) consumer.seek({ topic, partition: topicPartition, offset })
          unplaced.delete(topicPartition)
        }
        consumer.resume([{ topic, partitions: [...topicPartitions] }])
        return
      } catch (error) {
        log.warn({ topic, error: messageOf(error) }, 'the place to read from cannot be found yet')
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  /** Paused until `ms` have passed, without holding up the fetch loop and so the heartbeats. */
  const rest = (topicPartition: number, ms: number): void => {
    const partitions = [topicPartition]
    consumer.pause([{ topic, partitions }])
    setTimeout(() => {
      if (!ended.signal.aborted && !unplaced.has(topicPartition)) consumer.resume([{ topic, partitions }])
    }, ms)
  }

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    if (startAt === undefined) return
    const mine = payload.memberAssignment[topic] ?? []
    unplaced = new Set(mine)
    if (mine.length === 0) return
    consumer.pause([{ topic, partitions: [...mine] }])
    void place(mine)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) die(kafkaUnreachable(config, `reading ${topic}`, payload.error))
  })

  const run = (): Promise<void> =>
    consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
        const topicPartition = batch.partition
        if (unplaced.has(topicPartition)) return
        for (let at = 0; at < batch.messages.length; at += recordsPerBatch) {
          if (!isRunning() || isStale() || ended.signal.aborted) return
          const messages = batch.messages.slice(at, at + recordsPerBatch)
          const last = messages.at(-1)
          if (last === undefined) return
          const nextOffset = (BigInt(last.offset) + 1n).toString()
          const records = messages.map((message) => incomingRecord(topic, topicPartition, message, codec))
          // Planning may take longer than the session: the group must hear of us meanwhile.
          const beating = setInterval(() => void heartbeat().catch(() => {}), heartbeatMs)
          const done = await handled({ topicPartition, records, nextOffset }).finally(() => clearInterval(beating))
          if (!done) return
          resolveOffset(last.offset)
          if (startAt === undefined)
            await consumer
              .commitOffsets([{ topic, partition: topicPartition, offset: nextOffset }])
              .catch((error: unknown) => {
                log.warn(
                  { topic, topicPartition, error: messageOf(error) },
                  'offset not committed: records will come again',
                )
              })
          await heartbeat().catch(() => {})
        }
      },
    })

  const handled = async (batch: RecordBatch): Promise<boolean> => {
    try {
      await options.handle(batch, ended.signal)
      failures.delete(batch.topicPartition)
      return true
    } catch (error) {
      const count = (failures.get(batch.topicPartition) ?? 0) + 1
      failures.set(batch.topicPartition, count)
      const pauseMs = Math.min(100 * 2 ** count, longestPauseMs)
      const where = { topic, topicPartition: batch.topicPartition, offset: batch.records[0]?.offset, count }
      if (!ended.signal.aborted) log.warn({ ...where, error: messageOf(error) }, `not handled: again in ${pauseMs} ms`)
      rest(batch.topicPartition, pauseMs)
      return false
    }
  }

  return {
    start: async () => {
      try {
        await consumer.connect()
      } catch (error) {
        throw kafkaUnreachable(config, `connecting to read ${topic}`, error)
      }
      const joined = new Promise<void>((resolve) => {
        const off = consumer.on(consumer.events.GROUP_JOIN, () => {
          off()
          resolve()
        })
      })
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await run()
      // stop() right after run() hangs in kafkajs (tulios/kafkajs#1168): started means joined.
      watch = watchConsumer(consumer, {
        answers: brokersAnswer(config, topic),
        stuck: (silentMs) =>
          die(kafkaUnreachable(config, `reading ${topic}`, `the consumer gave no sign for ${silentMs} ms`)),
      })
      await Promise.race([joined, died.promise])
    },
    stop: async () => {
      ended.abort()
      watch?.stop()
      await consumer.disconnect()
    },
  }
}
