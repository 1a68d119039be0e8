import type { Cluster, RetryOptions } from 'kafkajs'
import kafkajs from 'kafkajs'
import { RetryableError } from '../contract/errors.ts'
import type { WorkerId } from '../contract/ids.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { createKafka, kafkaUnreachable, workerIdOf } from './client.ts'

interface Coordinator {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
}
/** What the cluster of kafkajs can do besides what its types say. */
type CoordinatedCluster = Omit<Cluster, 'findGroupCoordinator'> & {
  findGroupCoordinator(request: { groupId: string }): Promise<Coordinator>
}

export interface GroupMember {
  readonly worker: WorkerId
  readonly memberId: string
}

const fewRetries: RetryOptions = { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000 }
/** Not none: kafkajs itself fails at first, and knows the brokers only then. */
const soon: RetryOptions = { retries: 2, initialRetryTime: 50, maxRetryTime: 100 }

/**
 * Removes members from a group: LeaveGroup may be sent for another member. A SIGKILLed one would otherwise hold its lanes
 * until its session ends, and block every join meanwhile. `chosen` is given all there are; only for members known to be
 * dead, or to be the caller's predecessor. `retry` bounds connecting too, which is else as patient as of any client.
 * Returns those that were removed here. Throws RetryableError (KAFKA_UNREACHABLE), and what `chosen` rejects with when
 * that is one.
 */
export async function evictMembers(
  config: Config,
  groupId: string,
  log: Log,
  chosen: (members: readonly GroupMember[]) => readonly GroupMember[] | Promise<readonly GroupMember[]>,
  retry?: RetryOptions,
): Promise<readonly GroupMember[]> {
  let cluster: CoordinatedCluster | undefined
  const kafka = createKafka(config, 'tidemark-evictor', log, retry)
  const admin = kafka.admin({ retry: retry ?? fewRetries })
  // A consumer that never runs: its assigner is the one documented place that is handed the cluster.
  const consumer = kafka.consumer({
    groupId,
    retry: retry ?? fewRetries,
    partitionAssigners: [
      (given) => {
        cluster = given.cluster as unknown as CoordinatedCluster
        return kafkajs.PartitionAssigners.roundRobin(given)
      },
    ],
  })
  try {
    await Promise.all([admin.connect(), consumer.connect()])
    const { groups } = await admin.describeGroups([groupId])
    const described = groups[0]?.members ?? []
    const members = await chosen(
      described.map(({ clientId, memberId }) => ({ worker: workerIdOf(config, clientId), memberId })),
    )
    if (members.length === 0 || cluster === undefined) return []
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    const evicted: GroupMember[] = []
    for (const member of members) {
      const { worker, memberId } = member
      if (!(await leave(coordinator, { groupId, memberId }))) continue
      evicted.push(member)
      log.info({ groupId, evicted: worker, memberId }, 'member removed from the group')
    }
    return evicted
  } catch (error) {
    throw error instanceof RetryableError ? error : kafkaUnreachable(config, `removing members from ${groupId}`, error)
  } finally {
    await Promise.allSettled([admin.disconnect(), consumer.disconnect()])
  }
}

/** Removes the members of this worker id, as above. */
export const evictWorker = (
  config: Config,
  groupId: string,
  workerId: string,
  log: Log,
): Promise<readonly GroupMember[]> =>
  evictMembers(config, groupId, log, (members) => members.filter(({ worker }) => worker === workerId))

/** Removes this one member, as above; soon gives up. */
export const evictOne = (
  config: Config,
  groupId: string,
  memberId: string,
  log: Log,
): Promise<readonly GroupMember[]> =>
  evictMembers(config, groupId, log, (members) => members.filter((member) => member.memberId === memberId), soon)

/** False: it is not a member any more. */
async function leave(coordinator: Coordinator, request: { groupId: string; memberId: string }): Promise<boolean> {
  try {
    await coordinator.leaveGroup(request)
    return true
  } catch (error) {
    if (error instanceof kafkajs.KafkaJSProtocolError && error.type === 'UNKNOWN_MEMBER_ID') return false
    throw error
  }
}
