// What is wanted of a run, and who obeys. Reads: tables run, partition and ledger_acknowledgement. Writes: nothing.
import { z } from 'zod'
import { Intent, PartitionIntent } from '../contract/control.ts'
import { type RunId, WorkerId } from '../contract/ids.ts'
import { Settings } from '../contract/settings.ts'
import { RunState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../postgres/stored-values.ts'
import type { Acknowledged } from '../status/acknowledged.ts'

const StoredAcknowledgement = z.object({
  worker: WorkerId,
  sequence: StoredCount,
  atStart: z.boolean(),
  at: StoredInstant,
})

const Intended = z.object({
  intent: Intent,
  sequence: StoredCount,
  /** When anything of it was last changed, by being tuned too. */
  changedAt: StoredInstant,
  /** Since when, for whom and why the run is to be what the intent says; null: nobody ever said so. */
  at: StoredInstant.nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  /** What it was tuned to. */
  settings: Settings,
  /** Partitions with an intent of their own. */
  partitions: z.array(PartitionIntent.extend({ index: StoredCount })),
})
export type Intended = z.infer<typeof Intended> & {
  readonly acknowledged: readonly Acknowledged[]
}

export interface RunIntent {
  readonly state: RunState
  /** Null: it was never paused, resumed, cancelled or tuned. */
  readonly intended: Intended | null
}

/** What is wanted of a run, and who obeys; null when there is no such run. */
export async function runIntent(pool: Pool, schema: string, runId: RunId): Promise<RunIntent | null> {
  const s = quoteIdentifier(schema)
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select state, intent, control_sequence as sequence, intended_at as at, intended_by as by, intent_reason as reason,
            greatest(intended_at, tuned_at) as "changedAt",
            jsonb_build_object('chunkRows', chunk_rows, 'rowsPerSecond', rows_per_second,
                               'maxConcurrentPartitions', max_concurrent_partitions) as settings,
            coalesce((select jsonb_agg(jsonb_build_object('partitionId', partition_id, 'index', index, 'intent', p.intent)
                                       order by index)
                        from ${s}.partition p where p.run_id = r.id and p.intent is not null), '[]') as partitions
       from ${s}.run r where id = $1`,
    [runId],
  )
  const [row] = rows
  if (row === undefined) return null
  const state = RunState.parse(row['state'])
  if (Number(row['sequence']) === 0) return { state, intended: null }
  return {
    state,
    intended: { ...Intended.parse(row), acknowledged: await acknowledgements(pool, schema, runId) },
  }
}

/** Of each worker, the newest intent of the run that it obeys. */
export async function acknowledgements(pool: Pool, schema: string, runId: RunId): Promise<readonly Acknowledged[]> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select worker, sequence, at_start as "atStart", at
       from ${quoteIdentifier(schema)}.ledger_acknowledgement where run_id = $1 order by worker`,
    [runId],
  )
  return rows.map((row) => StoredAcknowledgement.parse(row))
}
