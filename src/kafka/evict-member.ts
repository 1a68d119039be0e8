import type { Cluster } from 'kafkajs'
import kafkajs from 'kafkajs'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { clientIdOf, createKafka, kafkaUnreachable } from './client.ts'

interface Coordinator {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>
}
/** What the cluster of kafkajs can do besides what its types say. */
type CoordinatedCluster = Omit<Cluster, 'findGroupCoordinator'> & {
  findGroupCoordinator(request: { groupId: string }): Promise<Coordinator>
}

/**
 * Removes the members of this worker id from a group: LeaveGroup may be sent for another member. A SIGKILLed member
 * would otherwise hold its lanes until its session ends, and block every join meanwhile. Returns how many there were.
 * Only for members known to be dead, or to be the caller's predecessor.
 */
export async function evictMembers(config: Config, groupId: string, workerId: string, log: Log): Promise<number> {
  let cluster: CoordinatedCluster | undefined
  const clientId = clientIdOf(config, workerId)
  const kafka = createKafka(config, `${workerId}.evictor`, log)
  const admin = kafka.admin({ retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 1_000 } })
  // A consumer that never runs: its assigner is the one documented place that is handed the cluster.
  const consumer = kafka.consumer({
    groupId,
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
    const members = (groups[0]?.members ?? []).filter((member) => member.clientId === clientId)
    if (members.length === 0 || cluster === undefined) return 0
    const coordinator = await cluster.findGroupCoordinator({ groupId })
    for (const { memberId } of members) {
      await coordinator.leaveGroup({ groupId, memberId })
      log.info({ groupId, clientId, memberId }, 'dead member removed from the group')
    }
    return members.length
  } catch (error) {
    throw kafkaUnreachable(config, `removing ${clientId} from ${groupId}`, error)
  } finally {
    await Promise.allSettled([admin.disconnect(), consumer.disconnect()])
  }
}
