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
import type { PlannedRange } from './plan-coverage.ts'

/** What the supervisor reads of the control database, and the one thing it writes there: that a run has ended, and was told. */
export interface LiveRuns {
  /** Runs whose plan is complete, or is not wanted any more, and whose end was not told. */
  list(): Promise<readonly LiveRun[]>
  /** Runs that ended, and were told to have, in the last `withinMs`; without those that were archived. */
  ended(withinMs: number): Promise<readonly LiveRun[]>
  /**
   * Of these runs: whether one goes on, has ended, or is settled, for it was archived, was done again by a run that
   * completed, or is not known any more.
   */
  standing(runs: readonly RunId[]): Promise<ReadonlyMap<RunId, RunStanding>>
  /** Partitions with an intent of their own. */
  intents(run: RunId): Promise<ReadonlyMap<PartitionId, Intent>>
  acknowledged(run: RunId): Promise<readonly Acknowledged[]>
  plan(run: RunId): Promise<readonly PlannedPartitionState[]>
  /** The same with their bounds, in the order of their index, a page at a time. */
  ranges(run: RunId): AsyncIterable<PlannedRange>
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
  /** Its end stands on the status topic. */
  readonly endTold: boolean
}

const perPage = 10_000

export function createLiveRuns(pool: Pool, schema: string): LiveRuns {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  const runs = async (where: string, values: readonly unknown[] = []): Promise<readonly LiveRun[]> => {
    const { rows } = await query<Record<string, unknown>>(
      pool,
      `select *, planned_at is not null as is_planned, greatest(intended_at, tuned_at) as changed_at from ${in_('run')}
        where ${where} order by accepted_at`,
      values,
    )
    return rows.map((row) => ({
      ...readRun(row),
      intendedAt: z.date().nullable().parse(row['changed_at']),
      endTold: z.boolean().parse(row['end_told']),
    }))
  }
  return {
    list: () => runs("state not in ('queued', 'planning') and not end_told"),
    ended: (withinMs) =>
      runs("end_told and archived_at is null and ended_at > now() - $1 * interval '1 millisecond'", [withinMs]),
    standing: async (ids) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select asked.id, case
           when r.id is null or r.archived_at is not null
             or exists (select from ${in_('run')} again where again.retry_of = r.id and again.state = 'completed') then 'settled'
           when r.end_told then 'ended' else 'live' end as standing
           from unnest($1::uuid[]) as asked(id) left join ${in_('run')} r using (id)`,
        [ids],
      )
      return new Map(rows.map((row) => StandingRow.parse(row)).map(({ id, standing }) => [id, standing]))
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
    ranges: async function* (run) {
      for (let after = -1; ; ) {
        const { rows } = await query<Record<string, unknown>>(
          pool,
          `select index, "from", "to" from ${in_('partition')} where run_id = $1 and index > $2 order by index limit ${perPage}`,
          [run, after],
        )
        const page = rows.map((row) => RangeRow.parse(row))
        yield* page
        const last = page.at(-1)
        if (last === undefined || page.length < perPage) return
        after = last.index
      }
    },
    recorded: async (run) => {
      const { rows } = await query<Record<string, unknown>>(
        pool,
        `select partition_id, epoch, sequence, state, worker, topic_partition, rows_read, rows_written, rows_filtered,
                rows_rejected, chunks, content_hash, first_event_at, last_event_at
           from ${in_('ledger_partition')} where run_id = $1`,
        [run],
      )
      return new Map(
        rows.map((row) => {
          const { partition_id, first_event_at, last_event_at, ...told } = RecordedRow.parse(row)
          const { epoch, sequence, state, worker, topic_partition: topicPartition } = told
          const totals = {
            rowsRead: told.rows_read,
            rowsWritten: told.rows_written,
            rowsFiltered: told.rows_filtered,
            rowsRejected: told.rows_rejected,
            chunks: told.chunks,
            contentHash: told.content_hash,
          }
          const times = { firstEventMs: first_event_at.getTime(), lastEventMs: last_event_at.getTime() }
          return [partition_id, { epoch, sequence, state, worker, topicPartition, totals, ...times }]
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
  rows_read: StoredCount,
  rows_written: StoredCount,
  rows_filtered: StoredCount,
  rows_rejected: StoredCount,
  chunks: StoredCount,
  content_hash: z.string(),
  first_event_at: z.date(),
  last_event_at: z.date(),
})
const StandingRow = z.object({ id: z.uuid(), standing: z.enum(['live', 'ended', 'settled']) })
export type RunStanding = z.infer<typeof StandingRow>['standing']
const RangeRow = z.object({ index: StoredCount, from: z.string(), to: z.string() })
