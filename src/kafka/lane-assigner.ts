import kafkajs, { type Assigner, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs'
import { z } from 'zod'
import { assignLanes } from '../work/assign-lanes.ts'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

/** Changed on any incompatible change: members without a common protocol cannot be in one group. */
const protocolName = 'tidemark-lanes-v1'

/** What each member tells the leader when it joins. */
const UserData = z.object({
  worker: z.string(),
  /** Which life of the worker this is (same-worker.ts): of two under one id the later one stays. */
  incarnation: z.string(),
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
  const none = { memberId, worker: memberId, incarnation: '', capacity: 1, holds: {}, joins: 0 }
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
  const latest = latestLives(members)
  const target = assignLanes(
    [...latest.values()].map(({ worker, capacity }) => ({ id: worker, capacity })),
    lanes,
  )
  const granted = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]))
  for (const [worker, { memberId }] of latest)
    for (const lane of lanes) {
      const holder = held.get(lane)
      if (target.get(lane) === worker && (holder === undefined || holder === memberId))
        granted.get(memberId)?.push(lane)
    }
  return granted
}

/** One member for each worker id: an earlier life that is still in the group gets no lanes, and is about to end. */
function latestLives(members: readonly JoiningMember[]): Map<string, JoiningMember> {
  const latest = new Map<string, JoiningMember>()
  for (const member of members) {
    const known = latest.get(member.worker)
    if (known === undefined || lifeOrder(member) > lifeOrder(known)) latest.set(member.worker, member)
  }
  return latest
}

const lifeOrder = ({ incarnation, memberId }: JoiningMember): string => `${incarnation} ${memberId}`

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
