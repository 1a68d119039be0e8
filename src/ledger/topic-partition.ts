import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, query } from '../postgres/pool.ts'
import { statementName } from './table.ts'

/** How far a topic partition of the status topic has been read. */
export interface ReadUpTo {
  readonly topic: string
  readonly topicPartition: number
  readonly nextOffset: string
}

/**
 * Waits for its turn to record events of the topic partition, and has it until the transaction ends: two writers may
 * both believe that it is theirs. A statement of its own, so that the next one sees what the last writer did. One that
 * is frozen in its turn loses it after ten seconds.
 *
 * Statements are planned once a connection, while tables may still be small, and the plan is kept as they grow: it must
 * be the one for large tables, which reads by index and never all of a table.
 */
export async function holdTopicPartition(
  client: Client,
  schema: string,
  { topic, topicPartition }: ReadUpTo,
): Promise<void> {
  await client.query(
    `set local idle_in_transaction_session_timeout = '10s'; set local enable_seqscan = off;
     set local enable_hashjoin = off; set local enable_mergejoin = off;
     select pg_advisory_xact_lock(hashtextextended(${client.escapeLiteral(`tidemark ledger ${schema} ${topic} ${topicPartition}`)}, 0))`,
  )
}

/** Never back: a writer that lost the topic partition may not know it yet. */
export async function moveOffset(
  client: Client,
  schema: string,
  { topic, topicPartition, nextOffset }: ReadUpTo,
): Promise<void> {
  await client.query({
    name: statementName('move offset', schema),
    text: `insert into ${schema}.ledger_offset as o (topic, topic_partition, next_offset) values ($1, $2, $3)
           on conflict (topic, topic_partition) do update set next_offset = greatest(o.next_offset, excluded.next_offset)`,
    values: [topic, topicPartition, nextOffset],
  })
}

/** Where reading goes on, for the topic partitions read before. */
export async function storedOffsets(
  pool: Pool,
  schema: string,
  topic: string,
  topicPartitions: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const { rows } = await query<{ topic_partition: string; next_offset: string }>(
    pool,
    `select topic_partition, next_offset from ${quoteIdentifier(schema)}.ledger_offset where topic = $1 and topic_partition = any ($2::bigint[])`,
    [topic, topicPartitions],
  )
  return new Map(rows.map((row) => [Number(row.topic_partition), String(row.next_offset)]))
}
