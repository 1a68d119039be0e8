import { z } from 'zod'
import { Intent } from '../contract/control.ts'
import { BackfillId, PartitionId, RequestKey, RunId, Sha256 } from '../contract/ids.ts'
import { PinnedBounds } from '../contract/plan.ts'
import { KeyKind, KeyRange } from '../contract/range.ts'
import { StartRequest } from '../contract/request.ts'
import { RunState } from '../contract/states.ts'
import type { BackfillDescription } from '../define/describe.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import type { SinkTarget } from '../sink/sink.ts'
import type { StoredPartition } from './task-of.ts'

/** An accepted start request, as the control database keeps it. */
export interface Run {
  readonly id: RunId
  readonly requestKey: RequestKey
  readonly backfill: BackfillId
  readonly definitionHash: Sha256
  readonly params: StartRequest['params']
  readonly target: SinkTarget
  readonly state: RunState
  /** What is wanted of it. */
  readonly intent: Intent
  /** Of the control message that says so; 0: nothing was ever wanted. */
  readonly controlSequence: number
  readonly bounds: PinnedBounds
  readonly range: KeyRange
  readonly estimatedRows: number | null
  readonly planHash: Sha256
  readonly partitions: number
  /** Partitions written so far. */
  readonly planCursor: number
  /** All partitions are written. */
  readonly isPlanned: boolean
  /** Tasks published so far, in the order of publish-order.ts. */
  readonly published: number
  readonly priority: number
  readonly weight: number
  /** The run whose partitions it does again; null: it does its own. */
  readonly retryOf: RunId | null
  readonly retryWhat: RetryWhat | null
  /** The partitions that were named; null: none were. */
  readonly retryOnly: readonly PartitionId[] | null
  /** When it has completed, the rows above its bounds are the next run's. */
  readonly follow: boolean
  /** The run above whose bounds it begins; null: it follows none. */
  readonly follows: RunId | null
}

/**
 * What of another run is done again: its partitions that failed, or were named, or had rejected rows; or a part of its
 * domain, cut anew.
 */
const RetryWhat = z.enum(['failed', 'named', 'rejected', 'cut'])
export type RetryWhat = z.infer<typeof RetryWhat>

/** Partitions of another run. */
export interface Retry {
  readonly retryOf: RunId
  readonly retryWhat: Exclude<RetryWhat, 'cut'>
  readonly retryOnly: readonly PartitionId[] | null
}

export type NewRun = Omit<Run, 'state' | 'intent' | 'controlSequence' | 'planCursor' | 'isPlanned' | 'published'> & {
  readonly definition: BackfillDescription
  /** Runs of this backfill on its target of which its bounds take account; null: they take account of none. */
  readonly earlierRuns: number | null
}

const RunRow = z.object({
  id: RunId,
  request_key: RequestKey,
  backfill: BackfillId,
  definition_hash: Sha256,
  params: StartRequest.shape.params.unwrap(),
  target: z.string(),
  target_id: z.string(),
  state: RunState,
  intent: Intent,
  control_sequence: StoredCount,
  bounds: PinnedBounds,
  range: KeyRange,
  estimated_rows: StoredCount.nullable(),
  plan_hash: Sha256,
  partitions: StoredCount,
  plan_cursor: StoredCount,
  is_planned: z.boolean(),
  published: StoredCount,
  priority: z.coerce.number(),
  weight: StoredCount,
  retry_of: RunId.nullable(),
  retry_what: RetryWhat.nullable(),
  retry_only: z.array(PartitionId).nullable(),
  follow: z.boolean(),
  follows: RunId.nullable(),
})

/** Columns of a row `r` of the table of runs, as `readRun` takes them. */
export const runColumns = `r.id, r.request_key, r.backfill, r.definition_hash, r.params, r.target, r.target_id, r.state, r.intent,
  r.control_sequence, r.bounds, r.range, r.estimated_rows, r.plan_hash, r.partitions, r.plan_cursor,
  r.planned_at is not null as is_planned, r.published, r.priority, r.weight, r.retry_of, r.retry_what, r.retry_only, r.follow, r.follows`

/** The columns of table `run` as a run. */
export function readRun(row: unknown): Run {
  const { id, request_key, backfill, definition_hash, params, target, target_id, ...counted } = RunRow.parse(row)
  return {
    ...{ id, requestKey: request_key, backfill, definitionHash: definition_hash, params },
    target: { id: target_id, name: target },
    state: counted.state,
    intent: counted.intent,
    controlSequence: counted.control_sequence,
    bounds: counted.bounds,
    range: counted.range,
    estimatedRows: counted.estimated_rows,
    planHash: counted.plan_hash,
    partitions: counted.partitions,
    planCursor: counted.plan_cursor,
    isPlanned: counted.is_planned,
    published: counted.published,
    priority: counted.priority,
    weight: counted.weight,
    retryOf: counted.retry_of,
    retryWhat: counted.retry_what,
    retryOnly: counted.retry_only,
    follow: counted.follow,
    follows: counted.follows,
  }
}

const PartitionRow = z.object({
  index: StoredCount,
  partition_id: z.uuid(),
  kind: KeyKind,
  from: z.string(),
  to: z.string(),
  locator: z.record(z.string(), z.json()).nullable(),
  estimated_rows: StoredCount.nullable(),
})

/** The columns of table `partition` as a partition. */
export function readPartition(row: unknown): StoredPartition {
  const { index, partition_id, kind, from, to, locator, estimated_rows } = PartitionRow.parse(row)
  return { index, partitionId: partition_id, range: { kind, from, to }, locator, estimatedRows: estimated_rows }
}

/** The other way round. */
export function partitionRow({
  index,
  partitionId,
  range,
  locator,
  estimatedRows,
}: StoredPartition): z.input<typeof PartitionRow> {
  return { index, partition_id: partitionId, ...range, locator, estimated_rows: estimatedRows }
}
