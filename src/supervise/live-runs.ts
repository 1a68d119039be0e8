import { z } from 'zod'
import { type Intent, PartitionIntent } from '../contract/control.ts'
import type { PartitionId, RunId } from '../contract/ids.ts'
import type { RunState } from '../contract/states.ts'
import { acknowledgements } from '../ledger/intent-queries.ts'
import { type Run, readPartition, readRun } from '../plan/run.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import type { Acknowledged } from '../status/acknowledged.ts'
import type { PlannedPartitionState, RecordedPartition } from './compare.ts'

/** What the supervisor reads of the control database, and the one thing it writes there: that a run has ended, and was told. */
export interface LiveRuns {
  /** Runs whose plan is complete, or is not wanted any more, and whose end was not told. */
  list(): Promise<readonly LiveRun[]>
  /** Partitions with an intent of their own. */
  intents(run: RunId): Promise<ReadonlyMap<PartitionId, Intent>>
  acknowledged(run: RunId): Promise<readonly Acknowledged[]>
  plan(run: RunId): Promise<readonly PlannedPartitionState[]>
  recorded(run: RunId): Promise<ReadonlyMap<PartitionId, RecordedPartition>>
  partitions(ids: readonly PartitionId[]): Promise<readonly StoredPartition[]>
  /** False: the run is not in the state `from` any more, nothing was changed. */
  end(run: RunId, from: RunState, state: RunState, endedAt: Date): Promise<boolean>
  /** The end stands on the status topic. */
  markEndTold(run: RunId): Promise<void>
}

export interface LiveRun extends Run {
  /** When what is wanted of it was last changed; null: never. */
  readonly intendedAt: Date | null
}

export function createLiveRuns(pool: Pool, schema: string): LiveRuns {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  return {
    list: async () => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select *, planned_at is not null as is_planned, greatest(intended_at, tuned_at) as changed_at from ${in_('run')}
          where state not in ('queued', 'planning') and not end_told order by accepted_at`,
      )
      return rows.map((row) => ({ ...readRun(row), intendedAt: z.date().nullable().parse(row['changed_at']) }))
    },
    intents: async (run) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select partition_id as "partitionId", intent from ${in_('partition')} where run_id = $1 and intent is not null`,
        [run],
      )
      return new Map(
        rows.map((row) => PartitionIntent.parse(row)).map(({ partitionId, intent }) => [partitionId, intent]),
      )
    },
    acknowledged: (run) => acknowledgements(pool, schema, run),
    plan: async (run) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select partition_id, index from ${in_('partition')} where run_id = $1 order by index`,
        [run],
      )
      return rows.map((row) => {
        const { partition_id, index } = PlanRow.parse(row)
        return { partitionId: partition_id, index }
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
    end: async (run, from, state, endedAt) => {
      const { rowCount } = await query(
        pool,
        `update ${in_('run')} set state = $3, ended_at = $4 where id = $1 and state = $2`,
        [run, from, state, endedAt],
      )
      return rowCount === 1
    },
    markEndTold: async (run) => {
      await query(pool, `update ${in_('run')} set end_told = true where id = $1`, [run])
    },
  }
}

const PlanRow = z.object({ partition_id: z.uuid(), index: StoredCount })
const RecordedRow = z.object({
  partition_id: z.uuid(),
  epoch: StoredCount,
  sequence: StoredCount,
  state: z.enum(['running', 'completed', 'failed', 'cancelled']),
  worker: z.string(),
  topic_partition: StoredCount,
})
