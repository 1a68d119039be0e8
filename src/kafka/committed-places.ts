import type { Admin } from 'kafkajs'

/** Where a group stands on one topic partition. */
export interface CommittedPlace {
  readonly topicPartition: number
  /** The committed offset, or the first there is when the group committed none. */
  readonly offset: string
  /** Empty when there is none. */
  readonly metadata: string
}

/** Where a group stands on every topic partition of a topic. */
export async function committedPlaces(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<readonly CommittedPlace[]> {
  const [committed, ends] = await Promise.all([
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ])
  const known = new Map((committed[0]?.partitions ?? []).map((entry) => [entry.partition, entry]))
  return ends.map(({ partition, low }) => {
    const entry = known.get(partition)
    return entry === undefined || Number(entry.offset) < 0
      ? { topicPartition: partition, offset: low, metadata: '' }
      : { topicPartition: partition, offset: entry.offset, metadata: entry.metadata ?? '' }
  })
}
