import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { LedgerPlace, TopicEnd } from './ledger-reach.ts'

/** How far the ledger has read the topic of which these are the ends. Read after them, it may only be further. */
export async function ledgerPlace(
  pool: Pool,
  schema: string,
  topic: string,
  ends: readonly TopicEnd[],
): Promise<LedgerPlace> {
  const { rows } = await query<{ topic_partition: string; next_offset: string }>(
    pool,
    `select topic_partition, next_offset from ${quoteIdentifier(schema)}.ledger_offset where topic = $1`,
    [topic],
  )
  const stored = new Map(rows.map((row) => [Number(row.topic_partition), BigInt(row.next_offset)]))
  const read = new Map<number, bigint>()
  let behind = 0n
  for (const { topicPartition, low, high } of ends) {
    const next = stored.get(topicPartition) ?? 0n
    const place = next > low ? next : low
    read.set(topicPartition, place)
    if (high > place) behind += high - place
  }
  return { behind: Number(behind), read, ends: new Map(ends.map(({ topicPartition, high }) => [topicPartition, high])) }
}
