import { createHash } from 'node:crypto'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'

export interface TableHash {
  readonly rows: number
  /** Sum of the hashes of its rows, in decimal digits: the order of the rows does not matter. */
  readonly hash: string
}

export interface LedgerHash {
  /** SHA-256 over the tables, as hexadecimal digits. */
  readonly hash: string
  readonly tables: Readonly<Record<string, TableHash>>
}

/**
 * What the ledger says, as one number: equal for two ledgers of the same events, in whatever order and how often they
 * came. When a row was recorded, at which offset, and how far the topic was read, is not part of it.
 */
export async function ledgerHash(pool: Pool, schema: string): Promise<LedgerHash> {
  const each = Object.entries(hashed).map(
    ([table, columns]) =>
      `select '${table}' as name, count(*) as rows, coalesce(sum(hash_record_extended(row(${columns.join(', ')}), 0)::numeric), 0) as hash
         from ${quoteIdentifier(schema)}.${table}`,
  )
  const { rows } = await query<{ name: string; rows: string; hash: string }>(pool, each.join(' union all '))
  const tables = Object.fromEntries(
    rows
      .map(({ name, rows: count, hash }): [string, TableHash] => [name, { rows: Number(count), hash }])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  return { hash: createHash('sha256').update(JSON.stringify(tables)).digest('hex'), tables }
}

/** Columns by table. jsonb as text, which is the same for equal values. */
const hashed: Readonly<Record<string, readonly string[]>> = {
  ledger_event: [...['event_id', 'type', 'at', 'run_id', 'partition_id', 'event::text', 'topic_partition']],
  ledger_partition: [
    ...['partition_id', 'run_id', 'backfill', 'index', 'epoch', 'sequence', 'rank', 'state', 'state_at', 'cursor'],
    ...['rows_read', 'rows_written', 'rows_filtered', 'rows_rejected', 'chunks', 'content_hash', 'worker'],
    ...['topic_partition', 'reason', 'message', 'first_event_at', 'last_event_at'],
  ],
  ledger_run: [
    ...['run_id', 'backfill', 'request_key', 'definition_hash', 'plan_hash', 'partitions', 'range::text'],
    ...['estimated_rows', 'planned_at', 'state', 'ended_at', 'partitions_failed', 'partitions_cancelled'],
    'totals::text',
  ],
  ledger_request: ['event_id', 'request_key', 'request_hash', 'type', 'run_id', 'reasons::text', 'answered_at'],
  ledger_acknowledgement: ['run_id', 'worker', 'sequence', 'intent', 'at_start', 'at'],
}
