import { z } from 'zod'
import { Totals } from '../../contract/certificate.ts'
import { PartitionId, type RunId, WorkerId } from '../../contract/ids.ts'
import { KeyRange } from '../../contract/range.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../../postgres/stored-values.ts'

const LedgerState = z.enum(['running', 'completed', 'failed', 'cancelled'])
export type LedgerState = z.infer<typeof LedgerState>

const ListedPartition = z.object({
  partitionId: PartitionId,
  index: StoredCount,
  range: KeyRange,
  /** What is wanted of it besides what is wanted of its run; null: nothing. */
  intent: z.enum(['paused', 'cancelled']).nullable(),
  /** What the ledger knows of it; null: it was not claimed yet. */
  told: z
    .object({
      state: LedgerState,
      epoch: z.number(),
      cursor: z.string().nullable(),
      totals: Totals,
      worker: WorkerId,
      reason: z.string().nullable(),
      message: z.string().nullable(),
      attempts: z.number().nullable(),
      readMs: z.number(),
      transformMs: z.number(),
      writeMs: z.number(),
    })
    .nullable(),
  firstEventAt: StoredInstant.nullable(),
  lastEventAt: StoredInstant.nullable(),
})
export type ListedPartition = z.infer<typeof ListedPartition>

/** Partitions of the plan in its order, after the one of this index (−1: from the first). */
export async function partitionsByIndex(
  pool: Pool,
  schema: string,
  runId: RunId,
  afterIndex: number,
  limit: number,
): Promise<readonly ListedPartition[]> {
  return listed(pool, byIndexStatement(schema), [runId, afterIndex, limit])
}

/** Those that are in a state, in the order of the plan, after the one of this index (−1: from the first). */
export async function partitionsByState(
  pool: Pool,
  schema: string,
  runId: RunId,
  state: LedgerState,
  afterIndex: number,
  limit: number,
): Promise<readonly ListedPartition[]> {
  return listed(pool, byStateStatement(schema), [runId, state, afterIndex, limit])
}

/** Those that run, the longest first: since they were first claimed. */
export async function slowestRunning(
  pool: Pool,
  schema: string,
  runId: RunId,
  limit: number,
): Promise<readonly ListedPartition[]> {
  return listed(pool, slowestStatement(schema), [runId, limit])
}

async function listed(pool: Pool, statement: string, values: readonly unknown[]): Promise<readonly ListedPartition[]> {
  const { rows } = await query<Record<string, unknown>>(pool, statement, values)
  return rows.map((row) => ListedPartition.parse(row))
}

/** `$1`: the run, `$2`: the index before, `$3`: how many. */
export const byIndexStatement = (schema: string): string =>
  `${selected} from (select * from ${quoteIdentifier(schema)}.partition where run_id = $1 and index > $2
                      order by index limit $3) p
     left join ${quoteIdentifier(schema)}.ledger_partition l on l.partition_id = p.partition_id order by p.index`

/** `$1`: the run, `$2`: the state, `$3`: the index before, `$4`: how many. */
export const byStateStatement = (schema: string): string =>
  `${selected} from (select * from ${quoteIdentifier(schema)}.ledger_partition
                      where run_id = $1 and state = $2 and index > $3 order by index limit $4) l
     join ${quoteIdentifier(schema)}.partition p on p.partition_id = l.partition_id order by l.index`

/** `$1`: the run, `$2`: how many. */
export const slowestStatement = (schema: string): string =>
  `${selected} from (select * from ${quoteIdentifier(schema)}.ledger_partition
                      where run_id = $1 and state = 'running' order by first_event_at limit $2) l
     join ${quoteIdentifier(schema)}.partition p on p.partition_id = l.partition_id order by l.first_event_at`

const selected = `select p.partition_id as "partitionId", p.index, p.intent,
  jsonb_build_object('kind', p.kind, 'from', p."from", 'to', p."to") as range,
  case when l.partition_id is not null then jsonb_build_object('state', l.state, 'epoch', l.epoch, 'cursor', l.cursor,
    'totals', jsonb_build_object('rowsRead', l.rows_read, 'rowsWritten', l.rows_written, 'rowsFiltered', l.rows_filtered,
      'rowsRejected', l.rows_rejected, 'chunks', l.chunks, 'contentHash', l.content_hash::text),
    'worker', l.worker, 'reason', l.reason, 'message', l.message, 'attempts', l.attempts,
    'readMs', l.read_micros::numeric / 1000, 'transformMs', l.transform_micros::numeric / 1000,
    'writeMs', l.write_micros::numeric / 1000) end as told,
  l.first_event_at as "firstEventAt", l.last_event_at as "lastEventAt"`
