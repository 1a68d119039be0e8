// One small system that faults are seeded into, one after the other: real servers, planner, ledger writer, supervisor and
// workers as processes, and the status topic as anybody may follow it.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { connectClient } from '../../src/compose.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { createKafka, withAdmin } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { keyPartitioner } from '../../src/kafka/key-partitioner.ts'
import { createStatusLog } from '../../src/kafka/message-logs.ts'
import { createRecordProducer } from '../../src/kafka/producer.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import type { BenchStack } from './bench-stack.ts'
import { type Part, type PartOptions, startPart } from './processes.ts'
import { createWorld, type Shape, type World } from './small-world.ts'

export interface FaultBenchOptions {
  readonly name: string
  /** The ledger writer is a process of its own. */
  readonly hasOwnLedger?: boolean
}

/** Where the worker group stands on one topic partition of the task topic. */
export interface CommittedLane {
  readonly topicPartition: number
  readonly offset: bigint
  readonly metadata: string
  readonly high: bigint
}

export interface FaultBench {
  readonly world: World
  /** All that was told, from the beginning. */
  readonly events: readonly StatusEvent[]
  readonly ledger: Part
  /** Starts workers; resolves when they are in the group. */
  workers(names: readonly string[], more?: Partial<PartOptions>): Promise<void>
  /** Ends all workers in order: they commit where they are. */
  stopWorkers(): Promise<void>
  killWorker(name: string): void
  /** Starts a run whose chunks take so long each; its id when it is planned and its tasks are published. */
  start(pauseMs: number): Promise<string>
  /** Resolves when the run has ended and the ledger knows. */
  ended(runId: string, state?: 'completed' | 'failed' | 'cancelled'): Promise<void>
  until(what: string, probe: () => Promise<boolean>, limitMs?: number): Promise<void>
  committed(): Promise<readonly CommittedLane[]>
  /** Sets committed offsets of the worker group; nobody may be in it. */
  setOffsets(lanes: readonly { readonly topicPartition: number; readonly offset: bigint }[]): Promise<void>
  /** Records of these topic partitions that nobody will read. */
  deleteTasks(topicPartitions: readonly number[]): Promise<void>
  /** Tells something as any role would. */
  tell(events: readonly StatusEvent[]): Promise<void>
  stop(): Promise<void>
}

const shape: Shape = { partitions: 12, chunksPerPartition: 4, chunkRows: 20 }
const limitMs = 60_000
const lanes = 48

/** Short times, so that what lasts has lasted soon; nothing of it is shorter than what a healthy system needs. */
const settings = {
  TIDEMARK_PATIENCE_MS: '2000',
  TIDEMARK_ENDED_EVERY_MS: '500',
  TIDEMARK_LEDGER_LAG_MS: '10000',
  TIDEMARK_ALERT_RESOLVE_MS: '1000',
}

export async function startFaultBench(
  stack: BenchStack,
  { name, hasOwnLedger = false }: FaultBenchOptions,
): Promise<FaultBench> {
  const world = await createWorld(stack, {
    ...{ name, backfills: { small: shape }, pauseMs: 0, sessionTimeoutMs: 4_000, leaseMs: 3_000, settings },
  })
  const { config, sql } = world
  const { port: postgresPort } = new URL(stack.databaseUrl)
  const ports = { kafkaPort: Number(stack.kafkaBrokers.split(':')[1]), postgresPort: Number(postgresPort) }
  const [backfill] = world.backfills
  if (backfill === undefined) throw new TypeError('the world has no backfill')
  const topic = topicName(config.topicPrefix, 'tasks')
  const groupId = groupName(config.topicPrefix, 'workers')
  const following = new AbortController()
  const client = await connectClient(config, silentLog)
  const events: StatusEvent[] = []
  // The leaders of topics that were just made say for a moment that they are none.
  const followed = await eventually('the status topic can be followed', async () => {
    const watch = client.watch({ from: 'beginning', signal: following.signal })
    return watch.listen().then(
      () => watch,
      () => undefined,
    )
  })
  const reading = (async () => {
    for await (const event of followed) events.push(event)
  })()
  reading.catch(() => {})
  const producer = createRecordProducer(createKafka(config, 'faults', silentLog), config)
  await producer.start()
  const codec = createCodec(config)
  const status = createStatusLog({ producer, codec, topicPrefix: config.topicPrefix, source: 'faults' })

  const roles = hasOwnLedger ? (['planner', 'supervisor'] as const) : (['planner', 'ledger', 'supervisor'] as const)
  const rest = startPart(world, ports, { name: 'rest', roles })
  const ledger = hasOwnLedger ? startPart(world, ports, { name: 'ledger', roles: ['ledger'] }) : rest
  const working: Part[] = []
  let runs = 0

  const until: FaultBench['until'] = async (what, probe, withinMs = limitMs) => {
    await eventually(what, async () => ((await probe()) ? true : undefined), withinMs)
  }
  await until('the roles are ready', async () => rest.isReady() && ledger.isReady())

  const ends = async (admin: Admin): Promise<Map<number, bigint>> =>
    new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]))

  return {
    ...{ world, events, ledger, until },
    workers: async (names, more = {}) => {
      const started = names.map((id) => startPart(world, ports, { ...more, name: id, roles: ['worker'] }))
      working.push(...started)
      await until('the workers are ready', async () => started.every((part) => part.isReady()))
    },
    stopWorkers: async () => {
      await Promise.all(working.splice(0).map((part) => part.stop(20_000)))
    },
    killWorker: (id) => working.find((part) => part.name === id)?.kill(),
    start: async (pauseMs) => {
      runs += 1
      const requestKey = `${name}/${runs}`
      await client.submit({
        ...{ version: 1, type: 'start', requestKey, backfill: backfill.id, params: { pauseMs } },
      })
      let runId = ''
      await until(`run ${requestKey} is published`, async () => {
        const rows = await sql<{ id: string }>(
          'select id from :schema.run where request_key = $1 and published = partitions and planned_at is not null',
          [requestKey],
        )
        runId = rows[0]?.id ?? ''
        return runId !== ''
      })
      return runId
    },
    ended: (runId, state = 'completed') =>
      until(`run ${runId} is ${state}`, async () => {
        const rows = await sql(
          `select from :schema.run r join :schema.ledger_run l on l.run_id = r.id
            where r.id = $1 and r.state = $2 and l.state = $2 and r.end_told`,
          [runId, state],
        )
        return rows.length === 1
      }),
    committed: () =>
      withAdmin(config, silentLog, async (admin) => {
        const places = await ends(admin)
        const [of] = await admin.fetchOffsets({ groupId, topics: [topic] })
        return (of?.partitions ?? [])
          .filter(({ offset }) => BigInt(offset) >= 0n)
          .map(({ partition, offset, metadata }) => ({
            ...{ topicPartition: partition, offset: BigInt(offset), metadata: metadata ?? '' },
            high: places.get(partition) ?? 0n,
          }))
      }),
    setOffsets: (places) =>
      withAdmin(config, silentLog, (admin) =>
        admin.setOffsets({
          ...{ groupId, topic },
          partitions: places.map(({ topicPartition, offset }) => ({
            partition: topicPartition,
            offset: String(offset),
          })),
        }),
      ),
    deleteTasks: (topicPartitions) =>
      withAdmin(config, silentLog, async (admin) => {
        const places = await ends(admin)
        const partitions = topicPartitions.map((partition) => ({
          partition,
          offset: String(places.get(partition) ?? 0n),
        }))
        await admin.deleteTopicRecords({ topic, partitions })
      }),
    tell: (some) => status.publish(some),
    stop: async () => {
      const parts = new Set([...working, rest, ledger])
      for (const part of parts) part.kill()
      await Promise.all([...parts].map((part) => part.stop(0)))
      following.abort()
      await Promise.race([reading.catch(() => {}), sleep(5_000)])
      await producer.stop()
      await client.close()
      await world.remove()
    },
  }
}

/** The topic partition of the task topic that a partition's task is in. */
export function laneOf(partitionId: string): number {
  const partitionMetadata = Array.from({ length: lanes }, (_, partitionId) => ({ partitionId, leader: 1 }) as never)
  return keyPartitioner()({ topic: 'tasks', partitionMetadata, message: { key: partitionId, value: null } })
}
