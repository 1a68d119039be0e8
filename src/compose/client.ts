import type { RequestMessageInput } from '../contract/request.ts'
import { StatusEvent } from '../contract/status.ts'
import { createKafka } from '../kafka/client.ts'
import { createCodec } from '../kafka/codec.ts'
import { followTopic } from '../kafka/follow-topic.ts'
import { type MessageLogDeps, produceRequest } from '../kafka/message-logs.ts'
import { createRecordProducer } from '../kafka/producer.ts'
import { topicName } from '../kafka/topic-catalog.ts'
import * as topics from '../kafka/topics.ts'
import { requestHashOf } from '../plan/answer.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { type Mark, noMark } from '../process/marks.ts'

/** A program's way in and out: produces requests, follows status events. The topics are the API; this is a convenience. */
export interface Client {
  /** Produces the request as any Kafka client would; resolves when it is acknowledged, not when it is answered. */
  submit(request: RequestMessageInput): Promise<Submission>
  /** Status events, from those told after this resolved or from the beginning of the topic, until the signal aborts. */
  follow(from: 'now' | 'beginning', signal: AbortSignal): Promise<AsyncIterable<StatusEvent>>
  close(): Promise<void>
}

export interface Submission {
  readonly requestKey: string
  /** Stands in the answer too. */
  readonly requestHash: string
}

/** Throws RetryableError (KAFKA_UNREACHABLE) and TerminalError (TOPIC_MISSING). */
export async function connectClient(config: Config, log: Log, mark: Mark = noMark): Promise<Client> {
  await topics.requireTopics(config, log)
  const codec = createCodec(config)
  const producer = createRecordProducer(createKafka(config, 'tidemark-client', log), config)
  const logs: MessageLogDeps = { producer, codec, topicPrefix: config.topicPrefix, source: 'client' }
  return {
    submit: async (request) => {
      await produceRequest(logs, request, new Date())
      await mark('R0')
      return {
        requestKey: request.requestKey,
        requestHash: requestHashOf(request, Buffer.from(JSON.stringify(request))),
      }
    },
    follow: async (from, signal) => {
      const records = await followTopic(config, codec, log, topicName(config.topicPrefix, 'status'), from, signal)
      return (async function* events() {
        for await (const record of records) {
          // Facts of a newer version are somebody else's to read.
          const event = StatusEvent.safeParse(await record.json().catch(() => undefined))
          if (event.success) yield event.data
        }
      })()
    },
    close: () => producer.stop(),
  }
}
