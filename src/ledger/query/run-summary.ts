import { z } from 'zod'
import type { RunId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredCount } from '../../postgres/stored-values.ts'
import { type Intended, runIntent } from '../intent-queries.ts'
import { runProgress } from './run-progress.ts'
import type { RunProgress } from './stored-run.ts'
import { type WorkerShare, workerShares } from './worker-shares.ts'

const FailedPartition = z.object({
  partitionId: z.uuid(),
  index: StoredCount,
  reason: z.string().nullable(),
  message: z.string().nullable(),
})
export type FailedPartition = z.infer<typeof FailedPartition>

export interface RunSummary extends RunProgress {
  readonly workers: readonly WorkerShare[]
  /** The first hundred partitions that failed. */
  readonly failures: readonly FailedPartition[]
  /** What was last wanted of it, by whom; null: it was never paused, resumed, cancelled or tuned. */
  readonly intended: Intended | null
}

/** Everything the ledger knows of a run in one answer; null when there is no such run. */
export async function runSummary(pool: Pool, schema: string, runId: RunId): Promise<RunSummary | null> {
  const progress = await runProgress(pool, schema, runId)
  if (progress === null) return null
  const [wanted, workers, failures] = await Promise.all([
    runIntent(pool, schema, runId),
    workerShares(pool, schema, runId),
    failedPartitions(pool, schema, runId, 100),
  ])
  return { ...progress, intended: wanted?.intended ?? null, workers, failures }
}

/** In the order of the plan. */
export async function failedPartitions(
  pool: Pool,
  schema: string,
  runId: RunId,
  limit: number,
): Promise<readonly FailedPartition[]> {
  const { rows } = await query<Record<string, unknown>>(pool, failuresStatement(schema), [runId, limit])
  return rows.map((row) => FailedPartition.parse(row))
}

/** `$1`: the run, `$2`: how many. */
export const failuresStatement = (schema: string): string =>
  `select partition_id as "partitionId", index, reason, message from ${quoteIdentifier(schema)}.ledger_partition
    where run_id = $1 and state = 'failed' order by index limit $2`
