import { z } from 'zod'
import { type RunId, WorkerId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../../postgres/stored-values.ts'

const WorkerShare = z.object({
  worker: WorkerId,
  /** Partitions this worker held at some time. */
  partitions: StoredCount,
  /** Claims, so at least one a partition. */
  claims: StoredCount,
  /** What this worker's own chunks added. */
  rowsRead: StoredCount,
  rowsWritten: StoredCount,
  chunks: StoredCount,
  firstEventAt: StoredInstant,
  lastEventAt: StoredInstant,
})
export type WorkerShare = z.infer<typeof WorkerShare>

/** Who did what of a run. */
export async function workerShares(pool: Pool, schema: string, runId: RunId): Promise<readonly WorkerShare[]> {
  const { rows } = await query<Record<string, unknown>>(pool, sharesStatement(schema), [runId])
  return rows.map((row) => WorkerShare.parse(row))
}

/** `$1`: the run. */
export const sharesStatement = (schema: string): string =>
  `select worker, sum(partitions) as partitions, sum(claims) as claims, sum(rows_read) as "rowsRead",
          sum(rows_written) as "rowsWritten", sum(chunks) as chunks, min(first_event_at) as "firstEventAt",
          max(last_event_at) as "lastEventAt"
     from ${quoteIdentifier(schema)}.ledger_share where run_id = $1
    group by worker having sum(claims) > 0 order by worker`
