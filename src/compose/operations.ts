import type { WorkerId } from '../contract/ids.ts'
import { withAdmin } from '../kafka/client.ts'
import { registerSchemas } from '../kafka/codec.ts'
import { evictWorker } from '../kafka/evict-member.ts'
import * as workers from '../kafka/group-workers.ts'
import { type LaneOffsets, laneOffsets } from '../kafka/lane-offsets.ts'
import { groupName, topicName } from '../kafka/topic-catalog.ts'
import * as topics from '../kafka/topics.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'

/** Differences between the topics of the cluster and the declared ones. */
export const checkTopics = (config: Config, log: Log): Promise<readonly topics.TopicFinding[]> =>
  topics.checkTopics(config, log)

/** Creates topics and registers schemas, where a registry is configured. */
export async function applyTopics(config: Config, log: Log): Promise<readonly topics.TopicChange[]> {
  const changes = await topics.applyTopics(config, log)
  await registerSchemas(config)
  return changes
}

/** Removes a dead worker's membership, so that the others go on at once. True when there was one. */
export async function evictMember(config: Config, workerId: string, log: Log): Promise<boolean> {
  return (await evictWorker(config, groupName(config.topicPrefix, 'workers'), workerId, log)).length > 0
}

/** Ids of the workers that are in the group now. Throws RetryableError (KAFKA_UNREACHABLE). */
export function groupWorkers(config: Config, log: Log): Promise<readonly WorkerId[]> {
  return withAdmin(config, log, (admin) =>
    workers.groupWorkers(admin, groupName(config.topicPrefix, 'workers'), config),
  )
}

export interface GroupOffsets {
  readonly group: string
  readonly topic: string
  readonly lanes: readonly LaneOffsets[]
}

/** What a group, by default that of the workers, has committed on the task topic. Throws TerminalError (NOT_FOUND). */
export async function groupOffsets(config: Config, groupId: string | undefined, log: Log): Promise<GroupOffsets> {
  const group = groupId ?? groupName(config.topicPrefix, 'workers')
  const topic = topicName(config.topicPrefix, 'tasks')
  await topics.requireTopics(config, log)
  return { group, topic, lanes: await withAdmin(config, log, (admin) => laneOffsets(admin, group, topic)) }
}
