import { z } from 'zod'
import { ControlMessage, Intent, PartitionIntent } from '../contract/control.ts'
import type { RunId, Sha256 } from '../contract/ids.ts'
import type { IntentRequest } from '../contract/request.ts'
import { Settings } from '../contract/settings.ts'
import { PartitionState, RunState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import { askControl } from './ask-control.ts'
import type { IntendedRun, IntentDecision } from './decide-intent.ts'

/** A run as it was read, and the place in its control sequence that a change must follow. */
export interface ReadIntent extends IntendedRun {
  readonly sequence: number
  readonly backfill: string
  /** Of the partition that was asked for. */
  readonly index: number | null
}

/** The record that a request came in, and when it was written down. */
export interface ChangeEntry {
  readonly bodyHash: Sha256
  readonly topicPartition: number
  readonly offset: string
  readonly at: Date
}

export interface IntentEntry extends ChangeEntry {
  readonly request: IntentRequest
}

/** All SQL of intents that the planner needs; each method is one statement, so one transaction. */
export interface IntentStore {
  /** Null when there is no such run. */
  read(request: Pick<IntentRequest, 'runId' | 'partitionId'>): Promise<ReadIntent | null>
  /**
   * Intent and state of the run, its control sequence + 1, the entry in the history, and the request key's claim, all
   * or nothing. False: the run is not as it was read any more.
   */
  write(read: ReadIntent, next: Extract<IntentDecision, { kind: 'accepted' }>, entry: IntentEntry): Promise<boolean>
  /** The whole current intent, with its settings, of a run that has not ended and of which anything was ever wanted; otherwise null. */
  current(runId: RunId): Promise<ControlMessage | null>
}

export function createIntentStore(pool: Pool, schema: string): IntentStore {
  const s = quoteIdentifier(schema)
  return {
    read: async ({ runId, partitionId }) => {
      const { rows } = await askControl(
        pool,
        `select r.id, r.backfill, r.state, r.intent, r.control_sequence as sequence, p.index,
                case when p.index is not null then jsonb_build_object('intent', p.intent, 'ended', l.state) end as partition,
                (select count(*) from ${s}.partition i where i.run_id = r.id and i.intent is not null) as "partitionIntents"
           from ${s}.run r left join ${s}.partition p on p.run_id = r.id and p.partition_id = $2
           left join ${s}.ledger_partition l on l.partition_id = p.partition_id and l.state <> 'running'
          where r.id = $1`,
        [runId, partitionId ?? null],
      )
      return rows[0] === undefined ? null : ReadRow.parse(rows[0])
    },
    write: async (read, next, { request, bodyHash, topicPartition, offset, at }) => {
      const { rowCount } = await askControl(
        pool,
        `with moved as (
           update ${s}.run set state = $4, intent = $5, control_sequence = control_sequence + 1,
                               intended_at = $6, intended_by = $7, intent_reason = $8
            where id = $1 and control_sequence = $2 and state = $3 returning id, control_sequence as sequence
         ), asked as (
           insert into ${s}.request (request_key, body_hash, body, run_id, topic_partition, record_offset)
           select $9, $10, $11, id, $12, $13 from moved
         ), one as (
           update ${s}.partition p set intent = $14 from moved where p.run_id = moved.id and p.partition_id = $15
         )
         insert into ${s}.run_intent (run_id, sequence, request_key, type, partition_id, from_intent, to_intent,
                                      from_state, to_state, requested_by, reason, at)
         select id, sequence, $9, $16, $15, $17, $18, $3, $4, $7, $8, $6 from moved`,
        [
          ...[read.id, read.sequence, read.state, next.state, next.intent],
          ...[at, request.requestedBy ?? null, request.reason ?? null],
          ...[request.requestKey, bodyHash, JSON.stringify(request), topicPartition, offset],
          ...[next.partitionIntent, request.partitionId ?? null, request.type],
          ...(request.partitionId === undefined
            ? [read.intent, next.intent]
            : [read.partition?.intent ?? 'running', next.partitionIntent ?? 'running']),
        ],
      )
      return rowCount === 1
    },
    current: async (runId) => {
      const { rows } = await askControl(
        pool,
        `select r.id, r.backfill, r.intent, r.control_sequence as sequence, i.at, i.requested_by as "requestedBy", i.reason,
                case when r.tuned_at is not null
                     then jsonb_build_object('chunkRows', r.chunk_rows, 'rowsPerSecond', r.rows_per_second,
                                             'maxConcurrentPartitions', r.max_concurrent_partitions) end as settings,
                coalesce((select jsonb_agg(jsonb_build_object('partitionId', partition_id, 'intent', p.intent) order by index)
                            from ${s}.partition p where p.run_id = r.id and p.intent is not null), '[]') as partitions
           from ${s}.run r join ${s}.run_intent i on i.run_id = r.id and i.sequence = r.control_sequence
          where r.id = $1 and r.state in ('queued', 'planning', 'running', 'paused', 'cancelling')`,
        [runId],
      )
      return rows[0] === undefined ? null : controlMessage(rows[0])
    },
  }
}

const ReadRow = z.object({
  id: z.uuid(),
  backfill: z.string(),
  state: RunState,
  intent: Intent,
  sequence: StoredCount,
  index: StoredCount.nullable(),
  partition: z.object({ intent: PartitionIntent.shape.intent.nullable(), ended: PartitionState.nullable() }).nullable(),
  partitionIntents: StoredCount,
})

const CurrentRow = z.object({
  id: z.uuid(),
  backfill: z.string(),
  intent: Intent,
  sequence: StoredCount,
  at: z.date(),
  requestedBy: z.string().nullable(),
  reason: z.string().nullable(),
  settings: Settings.nullable(),
  partitions: z.array(PartitionIntent),
})

function controlMessage(row: unknown): ControlMessage {
  const { id: runId, backfill, intent, sequence, at, ...current } = CurrentRow.parse(row)
  const { requestedBy, reason, settings, partitions } = current
  return {
    ...{ version: 1, runId, backfill, sequence, intent, partitions, at: at.toISOString() },
    ...(settings === null ? {} : { settings }),
    ...(requestedBy === null ? {} : { requestedBy }),
    ...(reason === null ? {} : { reason }),
  }
}
