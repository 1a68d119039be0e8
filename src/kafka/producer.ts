import { setImmediate as turn } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import { RetryableError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Service } from '../process/service.ts'
import { kafkaUnreachable } from './client.ts'
import { keyPartitioner } from './key-partitioner.ts'

export interface OutgoingRecord {
  readonly key: string
  /** Null: what a compacted topic keeps for the key is to be forgotten. */
  readonly value: Buffer | null
  readonly headers: Record<string, string>
}

export interface RecordProducer extends Service {
  /** Resolves when every in-sync replica has the records. Throws RetryableError (KAFKA_UNREACHABLE): they may or may not be there. */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<void>
}

const sendTimeoutMs = 60_000
const recordsPerSend = 1_000

/**
 * Writes records, idempotent and acknowledged by all in-sync replicas. One producer a process: calls that arrive while
 * a send is on its way go out together with the next one, which is what makes many small tellers cheap.
 * After a failed or endless send the producer is thrown away, for kafkajs cannot be trusted with its sequence numbers.
 */
export function createRecordProducer(kafka: Kafka, config: TopicConfig): RecordProducer {
  interface Waiting {
    readonly topic: string
    readonly records: readonly OutgoingRecord[]
    readonly resolve: () => void
    readonly reject: (error: Error) => void
  }
  let producer: Producer | undefined
  let connecting: Promise<Producer> | undefined
  let waiting: Waiting[] = []
  let sending: Promise<void> | undefined

  const connect = async (): Promise<Producer> => {
    const fresh = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: keyPartitioner,
      retry: { retries: 12, initialRetryTime: 100, maxRetryTime: 2_000 },
    })
    try {
      await fresh.connect()
    } catch (error) {
      throw kafkaUnreachable(config, 'connecting a producer', error)
    }
    producer = fresh
    return fresh
  }
  const connected = (): Promise<Producer> => {
    if (producer !== undefined) return Promise.resolve(producer)
    connecting ??= connect().finally(() => {
      connecting = undefined
    })
    return connecting
  }
  const discard = (): void => {
    const old = producer
    producer = undefined
    old?.disconnect().catch(() => {})
  }

  const deliver = async (batch: readonly Waiting[]): Promise<void> => {
    const byTopic = new Map<string, OutgoingRecord[]>()
    for (const { topic, records } of batch) {
      const messages = byTopic.get(topic) ?? []
      messages.push(...records)
      byTopic.set(topic, messages)
    }
    const current = await connected()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no acknowledgement within ${sendTimeoutMs} ms`)), sendTimeoutMs)
    })
    try {
      const sent = current.sendBatch({
        acks: -1,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
      })
      await Promise.race([sent, late])
    } catch (error) {
      discard()
      throw kafkaUnreachable(config, `producing to ${[...byTopic.keys()].join(', ')}`, error)
    } finally {
      clearTimeout(timer)
    }
  }

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      // What was resolved together tells together: those who follow get the time to come.
      await turn()
      const batch = waiting
      waiting = []
      try {
        await deliver(batch)
        for (const one of batch) one.resolve()
      } catch (error) {
        for (const one of batch) one.reject(error as Error)
      }
    }
    sending = undefined
  }

  return {
    start: async () => {
      await connected()
    },
    stop: async () => {
      await sending
      const old = producer
      producer = undefined
      await old?.disconnect()
    },
    send: async (topic, records) => {
      for (let at = 0; at < records.length; at += recordsPerSend) {
        const part = records.slice(at, at + recordsPerSend)
        await new Promise<void>((resolve, reject) => {
          waiting.push({ topic, records: part, resolve, reject })
          sending ??= drain()
        }).catch((error: unknown) => {
          throw error instanceof RetryableError ? error : kafkaUnreachable(config, `producing to ${topic}`, error)
        })
      }
    },
  }
}
