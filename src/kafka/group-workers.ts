import type { Admin } from 'kafkajs'
import type { WorkerId } from '../contract/ids.ts'
import type { Config } from '../process/config.ts'
import { workerIdOf } from './client.ts'

/**
 * The workers that are members of the group now, each once. A worker that died is one of them until its session ends
 * or somebody evicts it. From the client ids: what members say of themselves is told only while the group is stable.
 */
export async function groupWorkers(admin: Admin, groupId: string, config: Config): Promise<readonly WorkerId[]> {
  const { groups } = await admin.describeGroups([groupId])
  const members = groups[0]?.members ?? []
  return [...new Set(members.map(({ clientId }) => workerIdOf(config, clientId)))].sort()
}
