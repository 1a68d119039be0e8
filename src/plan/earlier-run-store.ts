import { z } from 'zod'
import { type BackfillId, PartitionId, type RunId } from '../contract/ids.ts'
import { PartitionState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import type { SinkTarget } from '../sink/sink.ts'
import { askControl } from './ask-control.ts'
import { type Retry, type Run, readPartition, readRun, runColumns } from './run.ts'
import type { StoredPartition } from './task-of.ts'

/** A partition of an earlier run; `pending` and 0 when the ledger knows nothing of it. */
export type EarlierPartition = z.infer<typeof EarlierRow>

/** All SQL of what earlier runs did; each method is one statement. */
export interface EarlierRunStore {
  /** Those of a run's partitions that are named, with what the ledger knows; `pending`: nothing. */
  partitionStates(run: RunId, named: readonly PartitionId[]): Promise<ReadonlyMap<PartitionId, PartitionState>>
  /** Every run of a backfill on a target, those that came first in front. */
  runsOn(backfill: BackfillId, target: SinkTarget): Promise<readonly Run[]>
  /** Partitions of a run with what the ledger knows, in the order of its plan, after an index. */
  earlierPartitions(run: RunId, after: number, limit: number): Promise<readonly EarlierPartition[]>
  /** Partitions to be done again, in the order of their plan, after an index. */
  retried(retry: Retry, after: number, limit: number): Promise<readonly StoredPartition[]>
}

export function createEarlierRunStore(pool: Pool, schema: string): EarlierRunStore {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  const ask = (text: string, values: unknown[]): ReturnType<typeof askControl> => askControl(pool, text, values)
  return {
    partitionStates: async (run, named) => {
      const { rows } = await ask(
        `select partition_id as "partitionId", coalesce(l.state, 'pending') as state
           from ${in_('partition')} p left join ${in_('ledger_partition')} l using (partition_id)
          where p.run_id = $1 and partition_id = any ($2::uuid[])`,
        [run, named],
      )
      return new Map(rows.map((row) => StateRow.parse(row)).map(({ partitionId, state }) => [partitionId, state]))
    },
    runsOn: async (backfill, target) => {
      const { rows } = await ask(
        `select ${runColumns} from ${in_('run')} r where backfill = $1 and target_id = $2 order by accepted_at, id`,
        [backfill, target.id],
      )
      return rows.map(readRun)
    },
    earlierPartitions: async (run, after, limit) => {
      const { rows } = await ask(
        `select p.index, p."from", p."to", coalesce(l.state, 'pending') as state, coalesce(l.epoch, 0) as epoch
           from ${in_('partition')} p left join ${in_('ledger_partition')} l using (partition_id)
          where p.run_id = $1 and p.index > $2 order by p.index limit $3`,
        [run, after, limit],
      )
      return rows.map((row) => EarlierRow.parse(row))
    },
    retried: async ({ retryOf, retryWhat, retryOnly }, after, limit) => {
      const { rows } = await ask(
        `select index, partition_id, kind, "from", "to", locator, estimated_rows from ${in_('partition')} p
          where run_id = $1 and index > $3
            and case $2 when 'named' then partition_id = any ($5::uuid[])
                        when 'failed' then exists (select from ${in_('ledger_partition')} l
                                                    where l.partition_id = p.partition_id and l.state = 'failed')
                        when 'rejected' then exists (select from ${in_('ledger_partition')} l
                                                      where l.partition_id = p.partition_id and l.state = 'completed'
                                                        and l.rows_rejected > 0) end
          order by index limit $4`,
        [retryOf, retryWhat, after, limit, retryOnly],
      )
      return rows.map(readPartition)
    },
  }
}

const StateRow = z.object({ partitionId: PartitionId, state: PartitionState })

const EarlierRow = z.object({
  index: StoredCount,
  from: z.string(),
  to: z.string(),
  state: PartitionState,
  epoch: StoredCount,
})
