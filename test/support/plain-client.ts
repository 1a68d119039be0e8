import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { eventually } from './eventually.ts'
import type { SmallBackfill } from './small-backfill.ts'

export type PlainMessage = Readonly<Record<string, unknown>>

/** Requests and status events as any Kafka client has them: JSON in, JSON out, and nothing of this package. */
export interface PlainClient {
  /** Every event so far, in the order in which they were read. */
  readonly events: readonly PlainMessage[]
  /** Tasks of the workers, in the order in which they were read. */
  readonly tasks: readonly PlainMessage[]
  /** Produces a request as it is. Returns its answer, found by the request key, which comes after those of before. */
  ask(request: PlainMessage): Promise<PlainMessage>
  /** The first event that has all of these fields. */
  event(fields: PlainMessage): Promise<PlainMessage>
  close(): Promise<void>
}

export async function connectPlainClient({ kafkaBrokers, topicPrefix }: SmallBackfill): Promise<PlainClient> {
  const kafka = new kafkajs.Kafka({ brokers: [...kafkaBrokers], logLevel: kafkajs.logLevel.NOTHING })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  const consumer = kafka.consumer({ groupId: `plain-${randomUUID()}`, allowAutoTopicCreation: false })
  const read: Record<string, PlainMessage[]> = {}
  const of = (topic: string): PlainMessage[] => (read[`${topicPrefix}.${topic}`] ??= [])
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: [`${topicPrefix}.status`, `${topicPrefix}.tasks`], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ topic, message }) => {
      ;(read[topic] ??= []).push(JSON.parse(message.value?.toString() ?? 'null') as PlainMessage)
    },
  })
  const answersTo = (requestKey: unknown): PlainMessage[] =>
    of('status').filter((event) => String(event['type']).startsWith('request.') && event['requestKey'] === requestKey)
  return {
    get events() {
      return of('status')
    },
    get tasks() {
      return of('tasks')
    },
    ask: async (request) => {
      const { requestKey } = request
      const before = answersTo(requestKey).length
      const message = { key: String(requestKey), value: JSON.stringify(request) }
      await producer.send({ topic: `${topicPrefix}.requests`, messages: [message] })
      return eventually(`an answer to ${message.value}`, async () => answersTo(requestKey)[before], 60_000)
    },
    event: (fields) =>
      eventually(
        `an event with ${JSON.stringify(fields)}`,
        async () =>
          of('status').find((event) => Object.entries(fields).every(([name, value]) => event[name] === value)),
        60_000,
      ),
    close: async () => {
      await Promise.all([producer.disconnect(), consumer.disconnect()])
    },
  }
}
