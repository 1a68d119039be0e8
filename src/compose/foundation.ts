import { createKafka } from '../kafka/client.ts'
import { type Codec, createCodec } from '../kafka/codec.ts'
import type { MessageLogDeps } from '../kafka/message-logs.ts'
import { createRecordProducer } from '../kafka/producer.ts'
import { createRecordFeed } from '../kafka/record-feed.ts'
import * as topics from '../kafka/topics.ts'
import { createPlanner } from '../plan/planner.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import { createPools, type Pools } from './pools.ts'

/** A role ready to start. */
export interface RunningRole extends Service {
  /** Rejects when the role cannot go on: the process should end with an error and be started again. */
  readonly failed: Promise<never>
  /** Rows this process took from sources, those read again included (workers). */
  rowsRead?(): number
  /** Calls back whenever that number has grown. */
  onRowsRead?(listener: () => void): void
}

/** What every role has: a Kafka client under its own name, a codec, a producer, pools; and their end. */
export interface Foundation {
  readonly config: Config
  readonly log: Log
  readonly kafka: ReturnType<typeof createKafka>
  readonly codec: Codec
  readonly logs: MessageLogDeps
  readonly failure: PromiseWithResolvers<never>
  readonly pool: Pools['open']
  start(): Promise<void>
  stop(): Promise<void>
}

export function foundationOf(config: Config, name: string, poolSize: number, log: Log): Foundation {
  const kafka = createKafka(config, name, log)
  const codec = createCodec(config)
  const producer = createRecordProducer(kafka, config)
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const pools = createPools(name, poolSize, log)
  return {
    config,
    log,
    kafka,
    codec,
    logs: { producer, codec, topicPrefix: config.topicPrefix, source: name },
    failure,
    pool: pools.open,
    start: async () => {
      await topics.requireTopics(config, log)
      await producer.start()
    },
    stop: async () => {
      await producer.stop()
      await pools.close()
    },
  }
}

/** Foundation first and last, the service between; `prepare` runs when servers answer. */
export function running(base: Foundation, service: Service, prepare: () => Promise<void>): RunningRole {
  return {
    failed: base.failure.promise,
    start: async () => {
      await base.start()
      await prepare()
      await service.start()
    },
    stop: async () => {
      await service.stop()
      await base.stop()
    },
  }
}

export const feedOf =
  ({ kafka, config, codec, log, failure }: Foundation): Parameters<typeof createPlanner>[0]['feed'] =>
  (options) =>
    createRecordFeed({ kafka, config, codec, log, onDead: failure.reject }, options)
