import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import kafkajs, { type Cluster } from 'kafkajs'
import { RetryableError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { createKafka, kafkaUnreachable } from './client.ts'
import { type FetchAnswer, fetchRequest, type ProtocolRequest } from './fetch-request.ts'
import { topicFailure, topicUnreadable } from './topic-failure.ts'
import { metadataKey, metadataWithIds, topicIdRequest } from './topic-id-request.ts'

/** Connections to the brokers of one topic, for reading it from any offset. No group, nothing is committed. */
export interface TopicConnection {
  /**
   * Asks the leader for records from an offset on. Null: nothing yet. Throws RetryableError (KAFKA_UNREACHABLE), also
   * when another broker has become the leader, and TerminalError (SOURCE_NOT_READABLE). After an error it is of no use.
   */
  fetch(topicPartition: number, offset: bigint): Promise<FetchAnswer | null>
  /** The first offset that is there, and the one after the last that is decided. Throws as `fetch`. */
  offsets(topicPartition: number): Promise<{ readonly first: bigint; readonly end: bigint }>
  /** The topic's id now, as the leader of this topic partition, or of any, has it: null where brokers give none, or the topic is gone. Throws as `fetch`. */
  topicId(topicPartition?: number): Promise<string | null>
  close(): Promise<void>
}

/** What the cluster of kafkajs and its brokers can do besides what their types say. */
interface SendingBroker {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>
  readonly connectionPool: {
    send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>
    getConnection(index: number): Promise<object>
  }
}

const require = createRequire(import.meta.url)
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): InstanceType<typeof kafkajs.KafkaJSProtocolError>
}
export const offsetOutOfRange = 1
/** Of a broker's two connections the one that fetches go over. */
const fetchConnection = 1
const fetchBytes = 1_048_576
const fetchWaitMs = 500
/** A broker that was just started may not know all topics yet; one that is gone stays unknown. */
const usuallyUnknownForMs = 15_000
const againMs = 500

/** Throws RetryableError (KAFKA_UNREACHABLE) and TerminalError (SOURCE_NOT_READABLE). */
export async function connectTopic(
  config: TopicConfig,
  topic: string,
  log: Log,
  unknownForMs = usuallyUnknownForMs,
): Promise<TopicConnection> {
  let found: Cluster | undefined
  // A consumer that never runs, and so joins no group: its assigner is the one documented place that is handed the cluster.
  const consumer = createKafka(config, 'tidemark-source', log).consumer({
    groupId: `${topic}.never-joined`,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (given) => {
        found = given.cluster
        return kafkajs.PartitionAssigners.roundRobin(given)
      },
    ],
  })
  const cluster = found
  if (cluster === undefined) throw new Error('kafkajs has not handed over its cluster')
  const close = (): Promise<void> => consumer.disconnect().catch(() => {})
  try {
    await consumer.connect()
    await addTopic(cluster, topic, unknownForMs)
  } catch (error) {
    await close()
    throw topicFailure(config, topic, error)
  }

  const leaderOf = async (topicPartition: number): Promise<SendingBroker> => {
    const leader = cluster.findTopicPartitionMetadata(topic).find((one) => one.partitionId === topicPartition)?.leader
    if (leader === undefined)
      throw topicUnreadable(
        `topic "${topic}" has no topic partition ${topicPartition}, which the plan has: it was made anew; start another run`,
      )
    if (leader < 0) throw unreachable(config, topic, `topic partition ${topicPartition} has no leader`)
    return (await cluster.findBroker({ nodeId: String(leader) })) as unknown as SendingBroker
  }
  const opened = new Map<SendingBroker, Promise<unknown>>()
  /** One after the other: fetches that begin at the same time would have kafkajs open a connection each, and forget all but one. */
  const opening = (broker: SendingBroker): Promise<unknown> => {
    const before = opened.get(broker) ?? Promise.resolve()
    const open = before.then(() => broker.connectionPool.getConnection(fetchConnection))
    opened.set(broker, open)
    return open
  }
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      throw topicFailure(config, topic, error)
    }
  }
  return {
    fetch: (topicPartition, offset) =>
      guarded(async () => {
        const broker = await leaderOf(topicPartition)
        const place = { topic, topicPartition, offset, maxBytes: fetchBytes, maxWaitMs: fetchWaitMs }
        await opening(broker)
        const { answer } = await broker.connectionPool.send(fetchRequest(place))
        if (answer !== null && answer.errorCode !== 0 && answer.errorCode !== offsetOutOfRange)
          throw createErrorFromCode(answer.errorCode)
        return answer
      }),
    offsets: (topicPartition) =>
      guarded(async () => {
        const asked = async (fromBeginning: boolean): Promise<bigint> => {
          const partitions = [{ partition: topicPartition }]
          const [found] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
          return BigInt(found?.partitions[0]?.offset ?? -1)
        }
        const end = await asked(false)
        return { first: await asked(true), end }
      }),
    topicId: (topicPartition) =>
      guarded(async () => {
        const any = cluster.findTopicPartitionMetadata(topic).find(({ leader }) => leader >= 0)
        const broker = await leaderOf(topicPartition ?? any?.partitionId ?? 0)
        if ((broker.versions[metadataKey]?.maxVersion ?? 0) < metadataWithIds) return null
        return (await broker.connectionPool.send(topicIdRequest(topic))).id
      }),
    close,
  }
}

async function addTopic(cluster: Cluster, topic: string, unknownForMs: number): Promise<void> {
  const deadline = performance.now() + unknownForMs
  for (;;)
    try {
      return await cluster.addTargetTopic(topic)
    } catch (error) {
      if (!(error instanceof kafkajs.KafkaJSProtocolError) || error.type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      if (performance.now() > deadline)
        throw topicUnreadable(`topic "${topic}" is not there any more: make it again and start another run`)
      await wait(againMs)
    }
}

const unreachable = (config: TopicConfig, topic: string, why: string): RetryableError =>
  kafkaUnreachable(config, `reading topic "${topic}"`, new Error(why))
