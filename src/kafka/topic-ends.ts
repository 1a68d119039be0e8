import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import type { TopicEnd } from '../supervise/ledger-reach.ts'
import { createKafka, kafkaUnreachable } from './client.ts'

/** Asked again and again where a topic ends, over one connection. */
export interface TopicEnds extends Service {
  read(): Promise<readonly TopicEnd[]>
}

export function createTopicEnds(config: Config, topic: string, log: Log): TopicEnds {
  const admin = createKafka(config, 'tidemark-topic-ends', log).admin({ retry: { retries: 3, initialRetryTime: 200 } })
  return {
    start: async () => {
      try {
        await admin.connect()
      } catch (error) {
        throw kafkaUnreachable(config, `looking where ${topic} ends`, error)
      }
    },
    read: async () =>
      (await admin.fetchTopicOffsets(topic)).map(({ partition, low, high }) => ({
        topicPartition: partition,
        low: BigInt(low),
        high: BigInt(high),
      })),
    stop: async () => {
      await admin.disconnect().catch(() => {})
    },
  }
}
