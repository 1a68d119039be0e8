import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'

export interface TableHash {
  readonly rows: number
  /** Sum of the record hashes of its rows. */
  readonly hash: string
}

export interface LedgerHash {
  /** Of all tables together. */
  readonly hash: string
  readonly tables: Readonly<Record<string, TableHash>>
}

/**
 * What follows from the facts, in whatever order and however often they were told, and wherever they stand: not when
 * something was recorded, not offsets, not how far was read, and not in which steps progress was heard of (ledger_heard).
 * Jsonb has no hash of its own that is worth the name in every version: its text has.
 */
const hashedColumns = {
  ledger_history: ['event_id', 'type', 'at', 'run_id', 'partition_id', 'event::jsonb::text', 'topic_partition'],
  ledger_contradiction: ['event_id', 'fact_hash', 'event::text', 'at', 'topic_partition'],
  ledger_run: [
    ...[
      'run_id',
      'backfill',
      'request_key',
      'definition_hash',
      'plan_hash',
      'partitions',
      'range::text',
      'estimated_rows',
    ],
    ...['planned_at', 'state', 'ended_at', 'partitions_failed', 'partitions_cancelled', 'totals::text'],
  ],
  ledger_partition: [
    ...['partition_id', 'run_id', 'backfill', 'index', 'epoch', 'sequence', 'rank', 'state', 'state_at', 'cursor'],
    ...['rows_read', 'rows_written', 'rows_filtered', 'rows_rejected', 'chunks', 'content_hash', 'worker'],
    ...['topic_partition', 'reason', 'message', 'attempts', 'first_event_at', 'last_event_at', 'read_micros'],
    ...['transform_micros', 'write_micros', 'holds::jsonb::text'],
  ],
  ledger_run_slice: [
    ...['run_id', 'topic_partition', 'running', 'completed', 'failed', 'cancelled', 'rows_read', 'rows_written'],
    ...['rows_filtered', 'rows_rejected', 'chunks', 'content_hash', 'read_micros', 'transform_micros', 'write_micros'],
    ...['claims', 'republished', 'first_event_at', 'last_event_at'],
  ],
  ledger_share: [
    ...['run_id', 'worker', 'topic_partition', 'partitions', 'claims', 'rows_read', 'rows_written', 'chunks'],
    ...['first_event_at', 'last_event_at'],
  ],
  ledger_request: ['event_id', 'request_key', 'request_hash', 'type', 'run_id', 'reasons::text', 'answered_at'],
  ledger_acknowledgement: ['run_id', 'worker', 'sequence', 'intent', 'at_start', 'at'],
  ledger_alert: ['alert_id', 'raised::text', 'raised_at', 'resolved::text', 'resolved_at'],
  ledger_worker: [
    ...['worker', 'instance', 'sequence', 'rank', 'told_at', 'slots', 'running', 'lanes::text', 'resident_mb'],
    ...['cpu_share', 'loop_delay_ms', 'lost_sequence', 'lost_at', 'lost_message', 'first_heard_at', 'last_heard_at'],
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** Two ledgers of the same events have the same hash. Reads every row of every table. */
export async function ledgerHash(pool: Pool, schema: string): Promise<LedgerHash> {
  const tables: Record<string, TableHash> = {}
  for (const [table, columns] of Object.entries(hashedColumns)) {
    const { rows } = await query<{ rows: string; hash: string }>(
      pool,
      `select count(*) as rows, coalesce(sum(hash_record_extended(row(${columns.join(', ')}), 0)::numeric), 0) as hash
         from ${quoteIdentifier(schema)}.${table}`,
    )
    tables[table] = { rows: Number(rows[0]?.rows ?? 0), hash: rows[0]?.hash ?? '0' }
  }
  const hash = Object.values(tables).reduce((all, { rows, hash }) => all * 31n + BigInt(hash) + BigInt(rows), 0n)
  return { hash: BigInt.asUintN(128, hash).toString(16).padStart(32, '0'), tables }
}
