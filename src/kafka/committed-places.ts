import type { Admin } from 'kafkajs'

/** Where a group stands on one topic partition. */
export interface CommittedPlace {
  readonly topicPartition: number
  /** The committed offset, or the first there is when the group committed none. */
  readonly offset: string
  /** Empty when there is none. */
  readonly metadata: string
}

/**
 * Where a group stands on every topic partition of a topic. An offset that the topic does not have, because its records
 * have expired or the topic was made anew, is none: kafkajs would meet it with a commit of its own, without metadata.
 */
export async function committedPlaces(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<readonly CommittedPlace[]> {
  const committed = await admin.fetchOffsets({ groupId, topics: [topic] })
  // Afterwards: the end that was there before a commit may lie below it.
  const ends = await admin.fetchTopicOffsets(topic)
  const known = new Map((committed[0]?.partitions ?? []).map((entry) => [entry.partition, entry]))
  return ends.map(({ partition, low, high }) => {
    const entry = known.get(partition)
    return entry === undefined || BigInt(entry.offset) < BigInt(low) || BigInt(entry.offset) > BigInt(high)
      ? { topicPartition: partition, offset: low, metadata: '' }
      : { topicPartition: partition, offset: entry.offset, metadata: entry.metadata ?? '' }
  })
}
