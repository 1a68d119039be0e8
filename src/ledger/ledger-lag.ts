import type { Pool } from '../postgres/pool.ts'
import { storedOffsets } from './topic-partition.ts'

/** How far the ledger is behind a topic partition of the status topic. */
export interface TopicPartitionLag {
  readonly topicPartition: number
  /** Where the ledger goes on reading; null: it has read nothing of it yet. */
  readonly nextOffset: string | null
  /** Where the topic partition ends now. */
  readonly endOffset: string
  /** Records that are there and not recorded. Offsets that no record has count too. */
  readonly records: number
}

/** What of a topic is there: `from` the first record to before `to`. As kafka/describe-topic.ts gives it. */
export interface TopicPartitionEnds {
  readonly topicPartition: number
  readonly from: string
  readonly to: string
}

/** How far the ledger is behind these ends, in the order of the topic partitions. */
export async function ledgerLag(
  pool: Pool,
  schema: string,
  topic: string,
  ends: readonly TopicPartitionEnds[],
): Promise<readonly TopicPartitionLag[]> {
  const stored = await storedOffsets(
    pool,
    schema,
    topic,
    ends.map(({ topicPartition }) => topicPartition),
  )
  return ends
    .map(({ topicPartition, from, to }) => {
      const nextOffset = stored.get(topicPartition) ?? null
      // What retention removed will not be read any more; a ledger ahead of the topic has nothing to read.
      const next = [BigInt(nextOffset ?? 0), BigInt(from)].reduce((a, b) => (a > b ? a : b))
      const behind = BigInt(to) - next
      return { topicPartition, nextOffset, endOffset: to, records: Number(behind > 0n ? behind : 0n) }
    })
    .sort((a, b) => a.topicPartition - b.topicPartition)
}
