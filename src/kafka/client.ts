import kafkajs, {
  type Admin,
  type Kafka,
  type KafkaConfig,
  type LogEntry,
  type RetryOptions,
  type SASLOptions,
} from 'kafkajs'
import { messageOf, RetryableError } from '../contract/errors.ts'
import type { WorkerId } from '../contract/ids.ts'
import type { TopicConfig } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { patchConsumerGroup } from './consumer-group-patch.ts'
import { patchRequestQueue } from './timer-patch.ts'
import { patchVarInts } from './varint-patch.ts'

patchConsumerGroup()
patchRequestQueue()
patchVarInts()

/** What brokers see as the client: the process's name, behind KAFKA_CLIENT_ID when that is set. */
export const clientIdOf = (config: TopicConfig, name: string): string =>
  config.kafka.clientId === undefined ? name : `${config.kafka.clientId}.${name}`

/** The worker that calls itself so. */
export function workerIdOf(config: TopicConfig, clientId: string): WorkerId {
  const before = clientIdOf(config, '')
  return clientId.startsWith(before) ? clientId.slice(before.length) : clientId
}

/** `retry` is for connecting; each client made of it has its own for what it does then. */
export function createKafka(config: TopicConfig, name: string, log: Log, retry: RetryOptions = {}): Kafka {
  const options: KafkaConfig = {
    clientId: clientIdOf(config, name),
    brokers: [...config.kafka.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => writeEntry(log, entry),
    ...(config.kafka.ssl ? { ssl: true } : {}),
  }
  if (config.kafka.sasl !== undefined) options.sasl = config.kafka.sasl as SASLOptions
  return new kafkajs.Kafka(options)
}

/** kafkajs reports as errors what it then retries by itself: one level down, the final failure is thrown to the caller. */
function writeEntry(log: Log, entry: LogEntry): void {
  const { message, timestamp: _time, logger: _logger, ...fields } = entry.log
  const where = { part: `kafkajs/${entry.namespace}`, ...fields }
  if (entry.level === kafkajs.logLevel.ERROR || entry.level === kafkajs.logLevel.WARN) log.debug(where, message)
}

/** What kafkajs threw, as ours: names the brokers and what to look at. */
export function kafkaUnreachable(config: TopicConfig, doing: string, error: unknown): RetryableError {
  return new RetryableError(
    'KAFKA_UNREACHABLE',
    `Kafka at ${config.kafka.brokers.join(', ')} cannot be reached (${doing}): ${messageOf(error)}. ` +
      'Check KAFKA_BROKERS and that the brokers run',
    { cause: error },
  )
}

/** Runs `work` with a connected admin client, and closes it. Throws RetryableError (KAFKA_UNREACHABLE) when it cannot connect. */
export async function withAdmin<T>(config: TopicConfig, log: Log, work: (admin: Admin) => Promise<T>): Promise<T> {
  const kafka = createKafka(config, 'tidemark-admin', log)
  const admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000 } })
  try {
    await admin.connect()
  } catch (error) {
    throw kafkaUnreachable(config, 'connecting', error)
  }
  try {
    return await work(admin)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
