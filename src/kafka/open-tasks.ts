import { messageOf } from '../contract/errors.ts'
import type { PartitionId, WorkerId } from '../contract/ids.ts'
import { TaskMessage } from '../contract/task.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'
import { createKafka, kafkaUnreachable } from './client.ts'
import type { Codec } from './codec.ts'
import { committedPlaces } from './committed-places.ts'
import { type FollowedTopic, followTopic } from './follow-topic.ts'
import { groupWorkers } from './group-workers.ts'
import { groupName, topicName } from './topic-catalog.ts'

/** Which partitions an open task covers; undefined while that is not known, when everything must count as covered. */
export interface OpenTasks extends Service {
  covered(): Promise<((partitionId: PartitionId) => boolean) | undefined>
  /** The workers of the group, now. */
  workers(): Promise<readonly WorkerId[]>
}

interface Place {
  readonly topicPartition: number
  readonly offset: bigint
}

/**
 * Follows the task topic from the worker group's committed offsets: a task at or above the committed offset of its
 * topic partition is open. Keeps the open ones only; everything is read again after a restart. Never commits.
 */
export function createOpenTasks(config: Config, codec: Codec, log: Log): OpenTasks {
  const topic = topicName(config.topicPrefix, 'tasks')
  const groupId = groupName(config.topicPrefix, 'workers')
  const admin = createKafka(config, 'tidemark-open-tasks', log).admin({ retry: { retries: 3, initialRetryTime: 200 } })
  const newest = new Map<PartitionId, Place>()
  const ended = new AbortController()
  let followed: FollowedTopic | undefined
  let reading: Promise<void> | undefined

  const committed = async (): Promise<Map<number, bigint>> =>
    new Map(
      (await committedPlaces(admin, groupId, topic)).map(({ topicPartition, offset }) => [
        topicPartition,
        BigInt(offset),
      ]),
    )

  const read = async (records: FollowedTopic): Promise<void> => {
    for await (const record of records) {
      const parsed = TaskMessage.safeParse(await record.json().catch(() => undefined))
      if (!parsed.success) continue
      newest.set(parsed.data.partitionId, { topicPartition: record.topicPartition, offset: BigInt(record.offset) })
    }
  }

  return {
    start: async () => {
      try {
        await admin.connect()
      } catch (error) {
        throw kafkaUnreachable(config, 'looking at open tasks', error)
      }
      const from = new Map([...(await committed())].map(([partition, offset]) => [partition, offset.toString()]))
      const records = await followTopic(config, codec, log, topic, from, ended.signal)
      followed = records
      reading = read(records).catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'open tasks are not followed any more: nothing will be published again')
        followed = undefined
      })
    },
    covered: async () => {
      const [offsets, ends] = await Promise.all([committed(), admin.fetchTopicOffsets(topic)])
      const places = followed?.places()
      if (places === undefined || ends.some(({ partition, high }) => (places.get(partition) ?? 0n) < BigInt(high)))
        return undefined
      for (const [partitionId, { topicPartition, offset }] of newest)
        if (offset < (offsets.get(topicPartition) ?? 0n)) newest.delete(partitionId)
      return (partitionId) => newest.has(partitionId)
    },
    workers: () => groupWorkers(admin, groupId, config),
    stop: async () => {
      ended.abort()
      await reading
      await admin.disconnect().catch(() => {})
    },
  }
}
