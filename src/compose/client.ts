import { TerminalError } from '../contract/errors.ts'
import { createKafka } from '../kafka/client.ts'
import { createCodec } from '../kafka/codec.ts'
import { whyNoTopic } from '../kafka/describe-topic.ts'
import { type MessageLogDeps, produceRequest } from '../kafka/message-logs.ts'
import { createRecordProducer } from '../kafka/producer.ts'
import { openStatusTopic } from '../kafka/status-topic.ts'
import { topicName } from '../kafka/topic-catalog.ts'
import * as topics from '../kafka/topics.ts'
import { requestHashOf } from '../plan/answer.ts'
import { type ClientOptions, topicConfigOf } from '../process/client-options.ts'
import type { TopicConfig } from '../process/config.ts'
import { type Log, quietLog } from '../process/log.ts'
import { type Mark, noMark } from '../process/marks.ts'
import { type Client, type CommandClient, createClient } from '../subscribe/client.ts'

/** For commands. Throws RetryableError (KAFKA_UNREACHABLE) and TerminalError (TOPIC_MISSING, TOPIC_MISMATCH). */
export async function connectClient(config: TopicConfig, log: Log, mark: Mark = noMark): Promise<CommandClient> {
  await topics.requireTopics(config, log)
  return clientOf(config, log, mark)
}

/**
 * For programs: what the options leave out, the environment says (KAFKA_BROKERS and so on). Needs to see the topics that it
 * uses, and no other. Throws RetryableError (KAFKA_UNREACHABLE) and TerminalError (CONFIG_INVALID, TOPIC_MISSING).
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { log = quietLog, ...rest } = options
  const config = topicConfigOf(rest)
  await requireTopic(config, 'status', log)
  return clientOf(config, log, noMark, () => requireTopic(config, 'requests', log))
}

export interface ConnectOptions extends ClientOptions {
  /** Where to say what goes on inside, such as a consumer that was replaced. Default: nowhere. A logger of pino fits. */
  readonly log?: Log
}

function clientOf(
  config: TopicConfig,
  log: Log,
  mark: Mark,
  beforeFirstRequest: () => Promise<void> = async () => {},
): CommandClient {
  const codec = createCodec(config)
  const producer = createRecordProducer(createKafka(config, 'tidemark-client', log), config)
  const logs: MessageLogDeps = { producer, codec, topicPrefix: config.topicPrefix, source: 'client' }
  let ready: Promise<void> | undefined
  return createClient({
    topic: openStatusTopic(config, codec, log),
    send: async (request) => {
      await (ready ??= beforeFirstRequest())
      await produceRequest(logs, request, new Date())
      await mark('R0')
      return {
        requestKey: request.requestKey,
        requestHash: requestHashOf(request, Buffer.from(JSON.stringify(request))),
      }
    },
    close: () => producer.stop(),
  })
}

async function requireTopic(config: TopicConfig, name: 'status' | 'requests', log: Log): Promise<void> {
  const why = await whyNoTopic(config, topicName(config.topicPrefix, name), log)
  if (why !== null) throw new TerminalError('TOPIC_MISSING', `${why} Look at brokers and topicPrefix`)
}
