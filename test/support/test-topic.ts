import { randomUUID } from 'node:crypto'
import type { Admin, Producer } from 'kafkajs'
import { createKafka } from '../../src/kafka/client.ts'
import type { Config } from '../../src/process/config.ts'
import { eventually } from './eventually.ts'
import { silentLog } from './silent-log.ts'

export interface TestRecord {
  readonly value: string | Buffer | null
  readonly key?: string
  readonly headers?: Record<string, string>
  readonly timestamp?: string
}

/** A topic of its own that a test writes to. */
export interface TestTopic {
  readonly name: string
  readonly admin: Admin
  /** Writes to one topic partition, all in one batch. */
  write(topicPartition: number, records: readonly TestRecord[]): Promise<void>
  /** The same in a transaction, which takes one offset more for its end; `open` leaves it without one until the test ends. */
  transaction(topicPartition: number, records: readonly TestRecord[], end: 'commit' | 'abort' | 'open'): Promise<void>
  /** Removes the records below an offset, as retention does. */
  removeBefore(topicPartition: number, offset: number): Promise<void>
  /** Makes the topic; again, after it was deleted. */
  create(topicPartitions: number): Promise<void>
  delete(): Promise<void>
  close(): Promise<void>
}

export async function testTopic(
  config: Config,
  topicPartitions: number,
  settings: Record<string, string> = {},
  replicas = 1,
): Promise<TestTopic> {
  const name = `topic-${randomUUID().slice(0, 8)}`
  const kafka = createKafka(config, name, silentLog)
  const admin = kafka.admin()
  // Idempotent: what is sent again because an answer did not come is there once.
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  const producers: Producer[] = [producer]
  await Promise.all([admin.connect(), producer.connect()])

  const exists = (count: number | undefined) =>
    eventually(`topic ${name} of ${count} topic partitions`, () =>
      admin.fetchTopicMetadata({ topics: [name] }).then(
        ({ topics: [found] }) =>
          found?.partitions.length === count && found?.partitions.every(({ leader }) => leader >= 0) ? true : undefined,
        () => (count === undefined ? true : undefined),
      ),
    )
  let isThere = false
  const create = async (count: number): Promise<void> => {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic: name, numPartitions: count, replicationFactor: replicas, configEntries }],
    })
    await exists(count)
    isThere = true
  }
  await create(topicPartitions)
  const decided = async (topicPartition: number): Promise<number> => {
    const offsets = await admin.fetchTopicOffsets(name)
    return Number(offsets.find(({ partition }) => partition === topicPartition)?.high)
  }
  const messages = (partition: number, records: readonly TestRecord[]) =>
    records.map((record) => ({ ...record, partition }))
  return {
    name,
    admin,
    create,
    write: async (topicPartition, records) => {
      await producer.send({ topic: name, messages: messages(topicPartition, records) })
    },
    transaction: async (topicPartition, records, end) => {
      const own = kafka.producer({
        ...{ transactionalId: `${name}.${randomUUID()}`, idempotent: true, maxInFlightRequests: 1 },
        retry: { initialRetryTime: 20, retries: 20, maxRetryTime: 500 },
      })
      producers.push(own)
      await own.connect()
      const before = await decided(topicPartition)
      const transaction = await own.transaction()
      await transaction.send({ topic: name, messages: messages(topicPartition, records) })
      if (end === 'open') return
      await (end === 'commit' ? transaction.commit() : transaction.abort())
      // Brokers write the end of a transaction a moment after they have said that it ended.
      await eventually('the end of a transaction', async () =>
        (await decided(topicPartition)) === before + records.length + 1 ? true : undefined,
      )
    },
    removeBefore: (partition, offset) =>
      admin.deleteTopicRecords({ topic: name, partitions: [{ partition, offset: String(offset) }] }),
    delete: async () => {
      await admin.deleteTopics({ topics: [name] })
      isThere = false
      await exists(undefined)
    },
    close: async () => {
      await Promise.all(producers.map((each) => each.disconnect()))
      if (isThere) await admin.deleteTopics({ topics: [name] }).catch(() => {})
      await admin.disconnect()
    },
  }
}
