// Watches a running system from outside, and keeps what it saw that must never be seen. What is read first may only
// lag behind what is read after it, so each look is sound without stopping anything.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Partitioners } from 'kafkajs'
import { messageOf, RetryableError } from '../../src/contract/errors.ts'
import { StatusEvent } from '../../src/contract/status.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createCodec } from '../../src/kafka/codec.ts'
import { committedPlaces } from '../../src/kafka/committed-places.ts'
import { type FollowedTopic, followTopic } from '../../src/kafka/follow-topic.ts'
import { groupName, topicName } from '../../src/kafka/topic-catalog.ts'
import { createLog } from '../../src/process/logger.ts'
import type { IncomingRecord } from '../../src/status/record-feed.ts'
import { decodeOffsetMetadata } from '../../src/work/offset-metadata.ts'
import { readTask } from '../../src/work/read-task.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'
import type { World } from './small-world.ts'

/** Partition ids by topic partition and offset; null where the record is no task. */
export type KnownTasks = ReadonlyMap<number, ReadonlyMap<bigint, string | null>>

export interface Place {
  readonly topicPartition: number
  readonly offset: bigint
  readonly metadata: string
}

export interface Observer {
  /** Violations, by the id of their invariant. */
  readonly seen: ReadonlyMap<string, readonly string[]>
  readonly tasks: KnownTasks
  readonly events: readonly StatusEvent[]
  looks(): number
  committed(): Promise<readonly Place[]>
  /** What of both topics has not been read, and why, as far as it is known; null: every record has been. */
  unread(): Promise<string | null>
  /** Where topic partitions of the status topic end. */
  statusEnds(): Promise<ReadonlyMap<number, bigint>>
  /** Records of a topic that nobody will read. */
  deleteRecords(topic: 'tasks' | 'status'): Promise<void>
  /** Produces tasks again, each so many topic partitions away: all, or those that are meant; as they were, or changed. */
  repeatTasks(
    away: readonly number[],
    change?: (task: TaskMessage) => unknown,
    isMeant?: (task: TaskMessage) => boolean,
  ): Promise<void>
  /** Says again all that the control topic says, the last first, each twice. */
  repeatIntents(): Promise<void>
  stop(): Promise<void>
}

const lookEveryMs = 150
const lanes = 48
const violationsKept = 5

export async function observe(world: World): Promise<Observer> {
  const { config, sql } = world
  const codec = createCodec(config)
  const tasksTopic = topicName(config.topicPrefix, 'tasks')
  const statusTopic = topicName(config.topicPrefix, 'status')
  const group = groupName(config.topicPrefix, 'workers')
  const ended = new AbortController()
  const log = await createLog({ level: 'info', fields: { role: 'observer' }, file: join(world.folder, 'observer.log') })
  const kafka = createKafka(config, 'observer', log)
  const admin = kafka.admin({ retry: { retries: 20, maxRetryTime: 1_000 } })
  await admin.connect()
  const [taskRecords, statusRecords] = (await Promise.all(
    [tasksTopic, statusTopic].map((topic) =>
      readThrough(topic, (from) => followTopic(config, codec, log, topic, from, ended.signal)),
    ),
  )) as [ReadTopic, ReadTopic]

  const tasks = new Map<number, Map<bigint, string | null>>()
  const records: { key: string | null; topicPartition: number; task: TaskMessage }[] = []
  const events: StatusEvent[] = []
  const seen = new Map<string, string[]>()
  let looked = 0

  const readTasks = async (): Promise<void> => {
    for await (const record of taskRecords.records()) {
      // Garbage has its offset, and is no task.
      const task = await record
        .json()
        .then(readTask)
        .catch(() => undefined)
      const of = tasks.get(record.topicPartition) ?? new Map<bigint, string | null>()
      const partitionId = task?.partitionId ?? null
      if (task !== undefined) records.push({ key: record.key, topicPartition: record.topicPartition, task })
      of.set(BigInt(record.offset), partitionId)
      tasks.set(record.topicPartition, of)
    }
  }
  const readEvents = async (): Promise<void> => {
    for await (const record of statusRecords.records()) events.push(StatusEvent.parse(await record.json()))
  }
  const violation = (invariant: string, what: string): void => {
    const known = seen.get(invariant) ?? []
    if (known.length < violationsKept && !known.includes(what)) known.push(what)
    seen.set(invariant, known)
  }

  const committed = async (): Promise<Place[]> =>
    (await committedPlaces(admin, group, tasksTopic)).map((place) => ({ ...place, offset: BigInt(place.offset) }))

  const look = async (): Promise<void> => {
    const places = await committed()
    const ledger = await sql<{ partition_id: string; epoch: string; sequence: string; state: string }>(
      'select partition_id, epoch, sequence, state from :schema.ledger_partition',
    )
    const rows = new Map(
      (
        await sql<{ partition_id: string; epoch: string; sequence: string; state: string }>(
          'select partition_id, epoch, sequence, state from :schema.checkpoint',
        )
      ).map((row) => [row.partition_id, { ...row, epoch: Number(row.epoch), sequence: Number(row.sequence) }]),
    )
    const isTerminal = (partitionId: string): boolean =>
      ['completed', 'failed', 'cancelled'].includes(rows.get(partitionId)?.state ?? '')
    for (const { topicPartition, offset, metadata } of places) {
      const known = tasks.get(topicPartition)
      for (const [at, partitionId] of known ?? []) {
        if (at >= offset || partitionId === null || isTerminal(partitionId)) continue
        violation(
          'I8',
          `offset ${offset} of topic partition ${topicPartition} is past ${partitionId}, which is not over`,
        )
      }
      if (metadata.length > 4_096) violation('I10', `metadata of ${metadata.length} characters`)
      for (const note of decodeOffsetMetadata(metadata)?.tasks ?? []) {
        const partitionId = known?.get(offset + BigInt(note.delta))
        if (partitionId === undefined || partitionId === null) continue
        const row = rows.get(partitionId)
        const leads =
          note.state === 'finished'
            ? !isTerminal(partitionId)
            : row === undefined ||
              isLess([row.epoch, row.sequence], [note.progress?.epoch ?? 0, note.progress?.sequence ?? 0])
        if (leads) violation('I10', `metadata of topic partition ${topicPartition} leads the row of ${partitionId}`)
      }
    }
    for (const told of ledger) {
      const row = rows.get(told.partition_id)
      const [epoch, sequence] = [Number(told.epoch), Number(told.sequence)]
      if (row === undefined || isLess([row.epoch, row.sequence], [epoch, sequence]))
        violation('I11', `the ledger has ${told.partition_id} at ${epoch}/${sequence}, ahead of its row`)
      if (told.state === 'completed' && row?.state !== 'completed')
        violation('I11', `the ledger has ${told.partition_id} completed, its row says ${row?.state}`)
    }
    looked += 1
  }
  const looking = (async () => {
    while (!ended.signal.aborted) {
      // Servers are hurt on purpose: what cannot be read now is read at the next look.
      await look().catch(() => {})
      await sleep(lookEveryMs)
    }
  })()
  let failure: string | null = null
  const reading = Promise.all([readTasks(), readEvents()]).catch((error: unknown) => {
    failure = messageOf(error)
  })

  const endsOf = async (topic: string): Promise<Map<number, bigint>> =>
    new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]))
  return {
    ...{ seen, tasks, events, committed },
    looks: () => looked,
    statusEnds: () => endsOf(statusTopic),
    unread: async () => {
      const left: string[] = []
      for (const [topic, followed] of [
        [tasksTopic, taskRecords],
        [statusTopic, statusRecords],
      ] as const) {
        const places = followed.places()
        for (const [partition, high] of await endsOf(topic)) {
          const next = places.get(partition) ?? 0n
          if (next < high) left.push(`${topic}/${partition} from ${next} to ${high}`)
        }
      }
      if (left.length === 0) return null
      return `${left.join(', ')}${failure === null ? '' : ` (reading ended: ${failure})`}`
    },
    deleteRecords: async (name) => {
      const topic = topicName(config.topicPrefix, name)
      const partitions = [...(await endsOf(topic))].map(([partition, high]) => ({ partition, offset: high.toString() }))
      if (name === 'tasks') tasks.clear()
      await admin.deleteTopicRecords({ topic, partitions: partitions.filter(({ offset }) => offset !== '0') })
    },
    repeatTasks: async (away, change = (task) => task, isMeant = () => true) => {
      const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
      await producer.connect()
      const meant = records.filter(({ task }) => isMeant(task))
      const messages = meant.flatMap(({ key, topicPartition, task }) =>
        away.map((steps) => ({
          key,
          value: JSON.stringify(change(task)),
          partition: (topicPartition + steps) % lanes,
        })),
      )
      await producer.send({ topic: tasksTopic, messages })
      await producer.disconnect()
    },
    repeatIntents: async () => {
      const topic = topicName(config.topicPrefix, 'control')
      const read = new AbortController()
      const followed = await followTopic(config, codec, silentLog, topic, 'beginning', read.signal)
      void followed.caughtUp.then(() => read.abort())
      const said: { key: string | null; value: string; partition: number }[] = []
      for await (const record of followed)
        said.push({ key: record.key, value: JSON.stringify(await record.json()), partition: record.topicPartition })
      const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
      await producer.connect()
      await producer.send({ topic, messages: said.toReversed().flatMap((message) => [message, message]) })
      await producer.disconnect()
    },
    stop: async () => {
      ended.abort()
      await looking
      await reading
      await admin.disconnect().catch(() => {})
    },
  }
}

interface ReadTopic {
  places(): ReadonlyMap<number, bigint>
  records(): AsyncGenerator<IncomingRecord>
}

/** A topic from its beginning; a consumer that brokers which went away have ended is followed by another one. */
async function readThrough(
  topic: string,
  follow: (from: 'beginning' | ReadonlyMap<number, string>) => Promise<FollowedTopic>,
): Promise<ReadTopic> {
  const open = (from: 'beginning' | ReadonlyMap<number, string>): Promise<FollowedTopic> =>
    // The leaders of topics that were just made say for a moment that they are none.
    eventually(`${topic} can be followed`, () => follow(from).catch(() => undefined), 60_000)
  const readers = [await open('beginning')]
  const places = (): ReadonlyMap<number, bigint> => readers.at(-1)?.places() ?? new Map()
  return {
    places,
    async *records() {
      for (let reader = readers.at(-1); reader !== undefined; reader = readers.at(-1))
        try {
          yield* reader
          return
        } catch (error) {
          if (!(error instanceof RetryableError)) throw error
          readers.push(await open(new Map([...places()].map(([partition, next]) => [partition, String(next)]))))
        }
    },
  }
}

const isLess = (a: readonly [number, number], b: readonly [number, number]): boolean =>
  a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
