import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { StatusRecords, StatusTopic } from '../subscribe/status-topic.ts'
import { type Codec, confluentJson } from './codec.ts'
import { topicOffsets } from './describe-topic.ts'
import { type FollowedTopic, followTopic } from './follow-topic.ts'
import { topicName } from './topic-catalog.ts'
import { connectTopic } from './topic-connection.ts'

/** The status topic of a cluster, for subscribers. */
export function openStatusTopic(config: TopicConfig, codec: Codec, log: Log): StatusTopic {
  const name = topicName(config.topicPrefix, 'status')
  return {
    look: async () => {
      try {
        const [id, offsets] = await Promise.all([topicIdOf(config, name, log), topicOffsets(config, name, log)])
        return { name, id, offsets: offsets.map(({ from, to }) => ({ first: BigInt(from), next: BigInt(to) })) }
      } catch (error) {
        if (error instanceof RetryableError) throw error
        throw new TerminalError('TOPIC_MISSING', `the status topic cannot be followed: ${(error as Error).message}`, {
          cause: error,
        })
      }
    },
    follow: async (from, signal) => {
      const followed = await followTopic(config, codec, log, name, from, signal)
      return config.registry === undefined ? requiringPlain(followed, name) : followed
    },
  }
}

/** Without a registry: events that need one end the reading, where they would all be left out as unreadable. */
function requiringPlain(followed: FollowedTopic, name: string): StatusRecords {
  return {
    caughtUp: followed.caughtUp,
    async *[Symbol.asyncIterator]() {
      for await (const record of followed) {
        if (record.headers['content-type'] === confluentJson)
          throw new TerminalError(
            'CONFIG_INVALID',
            `the events of topic "${name}" are in Confluent wire format: give registry, or set SCHEMA_REGISTRY_URL`,
          )
        yield record
      }
    },
  }
}

async function topicIdOf(config: TopicConfig, name: string, log: Log): Promise<string | null> {
  const connection = await connectTopic(config, name, log)
  try {
    return await connection.topicId()
  } finally {
    await connection.close()
  }
}
