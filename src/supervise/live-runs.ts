import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import type { PartitionId, RunId } from '../contract/ids.ts'
import { type Run, readPartition, readRun } from '../plan/run-store.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { PlannedPartitionState, RecordedPartition } from './compare.ts'

/** What the supervisor reads of the control database, and the one thing it writes there: that a run has ended. */
export interface LiveRuns {
  /** Runs whose plan is complete and that have not ended. */
  list(): Promise<readonly Run[]>
  plan(run: RunId): Promise<readonly PlannedPartitionState[]>
  recorded(run: RunId): Promise<ReadonlyMap<PartitionId, RecordedPartition>>
  partitions(ids: readonly PartitionId[]): Promise<readonly StoredPartition[]>
  /** No change when it has ended already. */
  end(run: RunId, state: 'completed' | 'failed' | 'cancelled', endedAt: Date): Promise<void>
}

export function createLiveRuns(pool: Pool, schema: string): LiveRuns {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  return {
    list: async () => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select *, planned_at is not null as is_planned from ${in_('run')} where state in ('running', 'paused') order by accepted_at`,
      )
      return rows.map(readRun)
    },
    plan: async (run) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select partition_id, index, announced from ${in_('partition')} where run_id = $1 order by index`,
        [run],
      )
      return rows.map((row) => {
        const { partition_id, index, announced } = PlanRow.parse(row)
        return { partitionId: partition_id, index, announced }
      })
    },
    recorded: async (run) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select partition_id, epoch, sequence, state, worker, topic_partition from ${in_('ledger_partition')} where run_id = $1`,
        [run],
      )
      return new Map(
        rows.map((row) => {
          const { partition_id, epoch, sequence, state, worker, topic_partition } = RecordedRow.parse(row)
          return [partition_id, { epoch, sequence, state, worker, topicPartition: topic_partition }]
        }),
      )
    },
    partitions: async (ids) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select index, partition_id, kind, "from", "to", locator, estimated_rows
           from ${in_('partition')} where partition_id = any ($1::uuid[]) order by index`,
        [ids],
      )
      return rows.map(readPartition)
    },
    end: async (run, state, endedAt) => {
      await query(
        pool,
        `update ${in_('run')} set state = $2, ended_at = $3 where id = $1 and state in ('running', 'paused')`,
        [run, state, endedAt],
      )
    },
  }
}

const StoredCount = z.coerce.number().pipe(Count)
const PlanRow = z.object({ partition_id: z.uuid(), index: StoredCount, announced: z.boolean() })
const RecordedRow = z.object({
  partition_id: z.uuid(),
  epoch: StoredCount,
  sequence: StoredCount,
  state: z.enum(['running', 'completed', 'failed', 'cancelled']),
  worker: z.string(),
  topic_partition: StoredCount,
})
