import { randomUUID } from 'node:crypto'
import type { EachBatchHandler } from 'kafkajs'
import { messageOf } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { IncomingRecord } from '../status/record-feed.ts'
import { pause } from '../work/pause.ts'
import { createKafka, kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { brokersAnswer, watchConsumer } from './consumer-watch.ts'
import { endsWhenLed } from './ends-when-led.ts'
import { incomingRecord } from './incoming-record.ts'

const consumerSettings = {
  sessionTimeout: 30_000,
  rebalanceTimeout: 6_000,
  heartbeatInterval: 2_000,
  maxWaitTimeInMs: 100,
  allowAutoTopicCreation: false,
  retry: { initialRetryTime: 300, retries: 20, maxRetryTime: 1_000, restartOnFailure: async () => true },
} as const
const againMs = 1_000
/** Records that wait to be handed over: with so many, no more are fetched until half of them are gone. */
const mostWaiting = 10_000

interface Reader {
  /** Fetches no more until it is told to go on. */
  rest(isResting: boolean): void
  end(): Promise<void>
}

export interface FollowedTopic extends AsyncIterable<IncomingRecord> {
  /** Resolves when everything that stood in the topic at the start was handed over, and the next was asked for. */
  readonly caughtUp: Promise<void>
  /** Where reading goes on, by topic partition: everything before was handed over. */
  places(): ReadonlyMap<number, bigint>
}

/**
 * Reads a whole topic, every topic partition of it, under a group of its own that is deleted at the end; commits
 * nothing. From 'now': what is produced after this call resolved is seen. When some ten thousand records wait to be handed
 * over, no more are fetched. Ends when the signal aborts. A consumer that gives no sign for `silentLimitMs` though brokers
 * answer is replaced. Throws RetryableError (KAFKA_UNREACHABLE).
 */
export async function followTopic(
  config: TopicConfig,
  codec: Codec,
  log: Log,
  topic: string,
  from: 'now' | 'beginning' | ReadonlyMap<number, string>,
  signal: AbortSignal,
  silentLimitMs?: number,
): Promise<FollowedTopic> {
  const kafka = createKafka(config, 'tidemark-follower', log)
  const admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000 } })
  const queue: IncomingRecord[] = []
  let wake = Promise.withResolvers<void>()
  let failure: Error | undefined
  const caughtUp = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<void>()
  const fail = (error: unknown): void => {
    failure ??= kafkaUnreachable(config, `following ${topic}`, error)
    ready.reject(failure)
    caughtUp.reject(failure)
    wake.resolve()
  }
  caughtUp.promise.catch(() => {})

  let places = new Map<number, { next: bigint; end: bigint }>()
  const isRead = (): boolean => [...places.values()].every(({ next, end }) => next >= end)
  /** One, or none while it is being replaced. */
  const readers = new Set<Reader>()
  let isClosed = false
  let isResting = false
  const rest = (isWanted: boolean): void => {
    isResting = isWanted
    for (const reader of readers) reader.rest(isWanted)
  }
  const close = async (): Promise<void> => {
    isClosed = true
    await Promise.all([...readers].map((reader) => reader.end()))
    await admin.disconnect().catch(() => {})
  }

  /** Reads on from the places. What a reader before this one may still hand over is known by its offset. */
  const openReader = async (): Promise<Reader> => {
    const groupId = `${topic}.follower.${randomUUID()}`
    const consumer = kafka.consumer({ groupId, ...consumerSettings })
    consumer.on(consumer.events.GROUP_JOIN, () => {
      // A join forgets where we were, for nothing is committed.
      for (const [partition, { next }] of places) consumer.seek({ topic, partition, offset: next.toString() })
      ready.resolve()
    })
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) fail(payload.error)
    })
    const watch = watchConsumer(consumer, {
      ...(silentLimitMs === undefined ? {} : { limitMs: silentLimitMs }),
      answers: brokersAnswer(config, topic),
      stuck: (silentMs) => {
        log.warn({ topic, silentMs }, 'the consumer gave no sign: another one reads on')
        void replace()
      },
    })
    const end = async (): Promise<void> => {
      watch.stop()
      await consumer.disconnect().catch(() => {})
      await admin.deleteGroups([groupId]).catch(() => {})
    }
    const rest = (isResting: boolean): void => {
      try {
        if (isResting) consumer.pause([{ topic }])
        else consumer.resume([{ topic }])
      } catch {
        // It has ended, or starts again and has forgotten that it rests: told so with its next batch.
      }
    }
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatch: take })
    } catch (error) {
      void end()
      throw error
    }
    return { rest, end }
  }
  const replace = async (): Promise<void> => {
    for (const hanging of readers) void hanging.end()
    readers.clear()
    while (!isClosed && readers.size === 0)
      try {
        readers.add(await openReader())
      } catch (error) {
        log.warn({ topic, error: messageOf(error) }, 'cannot be followed: tries again')
        await pause(againMs, signal)
      }
    if (isClosed) for (const late of readers) await late.end()
  }
  const take: EachBatchHandler = ({ batch }) => {
    const place = places.get(batch.partition)
    if (place === undefined) return Promise.resolve()
    for (const message of batch.messages) {
      if (BigInt(message.offset) < place.next) continue
      queue.push(incomingRecord(topic, batch.partition, message, codec))
    }
    const next = BigInt(batch.lastOffset()) + 1n
    if (next > place.next) place.next = next
    if (queue.length >= mostWaiting) {
      log.debug({ topic, waiting: queue.length }, 'fetches no more until half of what waits is handed over')
      // Also when it rests: a reader that was just opened does not know.
      rest(true)
    }
    wake.resolve()
    return Promise.resolve()
  }

  try {
    await admin.connect()
    const offsets = await endsWhenLed(admin, topic, signal)
    places = new Map(
      offsets.map(({ partition, low, high }) => [
        partition,
        {
          next: BigInt(from === 'now' ? high : from === 'beginning' ? low : (from.get(partition) ?? low)),
          end: BigInt(high),
        },
      ]),
    )
    readers.add(await openReader())
    await ready.promise
  } catch (error) {
    await close()
    throw failure ?? kafkaUnreachable(config, `following ${topic}`, messageOf(error) === '' ? 'no answer' : error)
  }
  let isIterated = false
  const onAbort = (): void => {
    wake.resolve()
    if (!isIterated) void close()
  }
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })

  async function* records(): AsyncGenerator<IncomingRecord> {
    isIterated = true
    try {
      for (;;) {
        for (let record = queue.shift(); record !== undefined; record = queue.shift()) {
          if (isResting && queue.length * 2 < mostWaiting) rest(false)
          yield record
        }
        if (failure !== undefined) throw failure
        if (signal.aborted) return
        if (isRead()) caughtUp.resolve()
        wake = Promise.withResolvers<void>()
        if (queue.length === 0 && failure === undefined && !signal.aborted) await wake.promise
      }
    } finally {
      await close()
    }
  }
  return {
    caughtUp: caughtUp.promise,
    // Records still in the queue are read but not handed over.
    places: () => {
      const next = new Map([...places].map(([partition, place]) => [partition, place.next]))
      for (const record of queue.toReversed()) next.set(record.topicPartition, BigInt(record.offset))
      return next
    },
    [Symbol.asyncIterator]: records,
  }
}
