import type { Admin } from 'kafkajs'
import type { WorkerId } from '../contract/ids.ts'
import { readMember } from './lane-assigner.ts'

/**
 * The workers that are members of the group now, each once. A worker that died is one of them until its session ends
 * or somebody evicts it.
 */
export async function groupWorkers(admin: Admin, groupId: string): Promise<readonly WorkerId[]> {
  const { groups } = await admin.describeGroups([groupId])
  const members = groups[0]?.members ?? []
  return [...new Set(members.map((member) => readMember(member).worker))].sort()
}
