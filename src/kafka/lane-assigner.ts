import kafkajs, { type Assigner, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { z } from 'zod'
import { assignLanes } from '../work/assign-lanes.ts'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

/** Changed on any incompatible change: members without a common protocol cannot be in one group. */
const protocolName = 'tidemark-lanes-v1'

/** What each member tells the leader when it joins. */
const UserData = z.object({
  worker: z.string(),
  capacity: z.number().positive(),
  /** Lanes it holds, with the generation it claimed them in; a lane not yet claimed counts as newest. */
  holds: z.record(z.string(), z.number()),
  /** Rises at every forced rejoin: with the same user data as before a follower's join changes nothing. */
  joins: z.number(),
})
type UserData = z.infer<typeof UserData>

export interface LaneMember {
  userData(): UserData
}

/**
 * Cooperative assignment on top of kafkajs' eager protocol: a lane that a live member still holds goes to nobody else
 * until that member has drained it, given it up and joined again; retained lanes never stop.
 */
export const laneAssigner =
  (me: LaneMember): PartitionAssigner =>
  ({ cluster }: { cluster: Cluster }): Assigner => ({
    name: protocolName,
    version: 1,
    protocol: ({ topics }) => ({
      name: protocolName,
      metadata: MemberMetadata.encode({ version: 1, topics, userData: Buffer.from(JSON.stringify(me.userData())) }),
    }),
    assign: ({ members, topics }) => {
      const topic = topics[0]
      if (topic === undefined) return Promise.resolve([])
      const lanes = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => partitionId)
        .sort((a, b) => a - b)
      const granted = grantLanes(members.map(readMember), lanes)
      return Promise.resolve(
        members.map(({ memberId }) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({
            version: 1,
            userData: Buffer.alloc(0),
            assignment: { [topic]: granted.get(memberId) ?? [] },
          }),
        })),
      )
    },
  })

export interface JoiningMember extends UserData {
  readonly memberId: string
}

export function readMember({ memberId, memberMetadata }: GroupMember): JoiningMember {
  const none = { memberId, worker: memberId, capacity: 1, holds: {}, joins: 0 }
  try {
    const decoded = MemberMetadata.decode(memberMetadata)
    const parsed = UserData.safeParse(JSON.parse(decoded?.userData.toString('utf8') ?? ''))
    return parsed.success ? { memberId, ...parsed.data } : none
  } catch {
    return none
  }
}

/** Lanes by member id: the target assignment, less the lanes that somebody else in the group still holds. Pure. */
export function grantLanes(members: readonly JoiningMember[], lanes: readonly number[]): Map<string, number[]> {
  const held = holders(members)
  const candidates = members.map((member) => ({ id: candidateId(member, members), capacity: member.capacity }))
  const target = assignLanes(candidates, lanes)
  const granted = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]))
  for (const member of members) {
    const id = candidateId(member, members)
    for (const lane of lanes) {
      const holder = held.get(lane)
      if (target.get(lane) === id && (holder === undefined || holder === member.memberId))
        granted.get(member.memberId)?.push(lane)
    }
  }
  return granted
}

/** The worker id; with the member id behind it when two members use one worker id, so that each is still somebody. */
const candidateId = (member: JoiningMember, members: readonly JoiningMember[]): string =>
  members.some((other) => other.worker === member.worker && other.memberId < member.memberId)
    ? `${member.worker}/${member.memberId}`
    : member.worker

/** Who holds a lane when several say so: the newest claim (a thawed zombie's is older), as in KAFKA-14639. */
function holders(members: readonly JoiningMember[]): Map<number, string> {
  const newest = new Map<number, { memberId: string; generation: number }>()
  for (const { memberId, holds } of [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1)))
    for (const [lane, generation] of Object.entries(holds)) {
      const known = newest.get(Number(lane))
      if (known === undefined || known.generation < generation) newest.set(Number(lane), { memberId, generation })
    }
  return new Map([...newest].map(([lane, { memberId }]) => [lane, memberId]))
}
