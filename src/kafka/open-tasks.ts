import { messageOf } from '../contract/errors.ts'
import type { PartitionId, WorkerId } from '../contract/ids.ts'
import { TaskMessage } from '../contract/task.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import type { LanePlace, PassedTask } from '../supervise/lane-findings.ts'
import { createKafka, kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { endsWhenLed } from './ends-when-led.ts'
import { type FollowedTopic, followTopic } from './follow-topic.ts'
import { groupWorkers } from './group-workers.ts'
import { createTaskPlaces } from './task-places.ts'
import { groupName, topicName } from './topic-catalog.ts'

export interface TasksNow {
  /** Which partitions an open task covers; undefined while that is not known, when everything must count as covered. */
  readonly covered: ((partitionId: PartitionId) => boolean) | undefined
  readonly lanes: readonly LanePlace[]
  /** Tasks that committed offsets have passed since the look before; those that are gone from the topic are not among them. */
  readonly passed: readonly PassedTask[]
}

export interface OpenTasks extends Service {
  look(): Promise<TasksNow>
  /** The workers of the group, now. */
  workers(): Promise<readonly WorkerId[]>
}

interface Standing extends LanePlace {
  readonly low: bigint
  readonly high: bigint
}

/**
 * Follows the task topic from the worker group's committed offsets: a task at or above the committed offset of its
 * topic partition is open. Keeps the open ones only; everything is read again after a restart. Never commits.
 */
export function createOpenTasks(config: Config, codec: Codec, log: Log): OpenTasks {
  const topic = topicName(config.topicPrefix, 'tasks')
  const groupId = groupName(config.topicPrefix, 'workers')
  const admin = createKafka(config, 'tidemark-open-tasks', log).admin({ retry: { retries: 3, initialRetryTime: 200 } })
  const open = createTaskPlaces()
  const ended = new AbortController()
  let followed: FollowedTopic | undefined
  let reading: Promise<void> | undefined

  /** Where the group stands, and what the topic has; an offset that it does not have counts as none. */
  const standing = async (): Promise<readonly Standing[]> => {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    // Afterwards: the end that was there before a commit may lie below it.
    const ends = await admin.fetchTopicOffsets(topic)
    const known = new Map((committed?.partitions ?? []).map((entry) => [entry.partition, entry]))
    return ends.map(({ partition: topicPartition, low, high }) => {
      const entry = known.get(topicPartition)
      const offset = BigInt(entry?.offset ?? -1)
      const isThere = offset >= BigInt(low) && offset <= BigInt(high)
      const committed = isThere ? offset : null
      const metadata = isThere ? (entry?.metadata ?? '') : ''
      return { topicPartition, committed, metadata, low: BigInt(low), high: BigInt(high) }
    })
  }

  const read = async (records: FollowedTopic): Promise<void> => {
    for await (const record of records) {
      const parsed = TaskMessage.safeParse(await record.json().catch(() => undefined))
      if (!parsed.success) continue
      open.put(parsed.data.partitionId, { topicPartition: record.topicPartition, offset: BigInt(record.offset) })
    }
  }

  return {
    start: async () => {
      try {
        await admin.connect()
      } catch (error) {
        throw kafkaUnreachable(config, 'looking at open tasks', error)
      }
      // Only now: a look that fails is made again, and holds up nothing else meanwhile.
      await endsWhenLed(admin, topic, ended.signal)
      const from = new Map(
        (await standing()).map(({ topicPartition, committed, low }) => [topicPartition, String(committed ?? low)]),
      )
      const records = await followTopic(config, codec, log, topic, from, ended.signal)
      followed = records
      reading = read(records).catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'open tasks are not followed any more: nothing will be published again')
        followed = undefined
      })
    },
    look: async () => {
      const lanes = await standing()
      const places = followed?.places()
      if (places === undefined || lanes.some(({ topicPartition, high }) => (places.get(topicPartition) ?? 0n) < high))
        return { covered: undefined, lanes, passed: [] }
      return { passed: open.pass(lanes), covered: open.covers, lanes }
    },
    workers: () => groupWorkers(admin, groupId, config),
    stop: async () => {
      ended.abort()
      await reading
      await admin.disconnect().catch(() => {})
    },
  }
}
