import kafkajs, { type Admin } from 'kafkajs'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { insteadOf } from '../source/nearest-name.ts'
import { withAdmin } from './client.ts'
import { endsWhenLed } from './ends-when-led.ts'
import { topicFailure } from './topic-failure.ts'

/** Offsets of a topic partition: from the first that is there to before the first whose transaction is not decided. */
export interface TopicPartitionOffsets {
  readonly topicPartition: number
  readonly from: string
  readonly to: string
}

/** Why a topic cannot be read, with the name most like it when there is none; null when there is nothing to say. Throws RetryableError (KAFKA_UNREACHABLE). */
export function whyNoTopic(config: TopicConfig, topic: string, log: Log): Promise<string | null> {
  return asAdmin(config, topic, log, async (admin) => {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.some(({ partitions }) => partitions.length > 0) ? null : `topic "${topic}" has no topic partitions`
    } catch (error) {
      if (!(error instanceof kafkajs.KafkaJSProtocolError) || error.type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      const others = (await admin.listTopics()).filter((name) => !name.startsWith('__')).sort()
      const instead = others.length === 0 ? 'there is none that this client may see' : insteadOf(topic, others)
      return `topic "${topic}" does not exist: ${instead}`
    }
  })
}

/** In the order of the topic partitions. Throws RetryableError (KAFKA_UNREACHABLE), TerminalError (SOURCE_NOT_READABLE). */
export async function topicOffsets(config: TopicConfig, topic: string, log: Log): Promise<TopicPartitionOffsets[]> {
  const found = await asAdmin(config, topic, log, (admin) => endsWhenLed(admin, topic))
  return found
    .map(({ partition, low, high }) => ({
      topicPartition: partition,
      from: low,
      // Asked for first: what was removed meanwhile may have been all there was.
      to: BigInt(high) < BigInt(low) ? low : high,
    }))
    .sort((a, b) => a.topicPartition - b.topicPartition)
}

async function asAdmin<Result>(
  config: TopicConfig,
  topic: string,
  log: Log,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  try {
    return await withAdmin(config, log, work)
  } catch (error) {
    throw topicFailure(config, topic, error)
  }
}
