import { z } from 'zod'
import { Totals } from '../../contract/certificate.ts'
import { Intent } from '../../contract/control.ts'
import { BackfillId, RequestKey, RunId } from '../../contract/ids.ts'
import { KeyRange } from '../../contract/range.ts'
import { RunState } from '../../contract/states.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { StoredCount, StoredInstant } from '../../postgres/stored-values.ts'

export const ListedRun = z.object({
  id: RunId,
  requestKey: RequestKey,
  backfill: BackfillId,
  state: RunState,
  target: z.string(),
  params: z.record(z.string(), z.json()),
  range: KeyRange,
  estimatedRows: StoredCount.nullable(),
  acceptedAt: StoredInstant,
  plannedAt: StoredInstant.nullable(),
  endedAt: StoredInstant.nullable(),
  /** When it was put away; null: lists have it. */
  archivedAt: StoredInstant.nullable(),
  priority: z.coerce.number(),
  weight: StoredCount,
  /** What is wanted of it. */
  intent: Intent,
  /** The run whose partitions it does again; null: it does its own. */
  retryOf: RunId.nullable(),
  /** Runs that do partitions of this one again, the oldest first. */
  retries: z.array(RunId),
  /** When it has completed, the rows above its bounds are the next run's. */
  follow: z.boolean(),
  /** The run above whose bounds it begins; null: it follows none. */
  follows: RunId.nullable(),
  /** The run that begins above its bounds; null: none does. */
  followedBy: RunId.nullable(),
  /** Place in the queue, from 1; null: it does not wait. */
  position: StoredCount.nullable(),
  /** Partitions of the plan, by what the ledger knows of them; `pending` were not claimed yet. */
  partitions: z.object({
    total: StoredCount,
    pending: StoredCount,
    running: StoredCount,
    completed: StoredCount,
    failed: StoredCount,
    cancelled: StoredCount,
  }),
})
export type ListedRun = z.infer<typeof ListedRun>

export const RunProgress = ListedRun.extend({
  /** Sums over all partitions. */
  totals: Totals,
  /** Milliseconds that workers spent in each stage, over all chunks. */
  spent: z.object({ readMs: z.number(), transformMs: z.number(), writeMs: z.number() }),
  /** Claims of all partitions: as many as partitions when nothing was ever interrupted. */
  claims: StoredCount,
  /** Tasks that the supervisor published again. */
  republished: StoredCount,
  /** When the first and the last status event of a partition were told. */
  firstEventAt: StoredInstant.nullable(),
  lastEventAt: StoredInstant.nullable(),
})
export type RunProgress = z.infer<typeof RunProgress>

/** The columns of a listed run, out of a row `r` of table run and its counts `c`. */
export const runColumns = (schema: string): string => {
  const run = `${quoteIdentifier(schema)}.run`
  return `r.id, r.request_key as "requestKey", r.backfill, r.state, r.intent, r.target, r.params, r.range,
  r.estimated_rows as "estimatedRows", r.accepted_at as "acceptedAt", r.planned_at as "plannedAt", r.ended_at as "endedAt",
  r.archived_at as "archivedAt", r.priority, r.weight, r.retry_of as "retryOf",
  array(select t.id from ${run} t where t.retry_of = r.id order by t.accepted_at) as retries,
  r.follow, r.follows, (select f.id from ${run} f where f.follows = r.id) as "followedBy",
  case when r.state = 'queued' then (
    select count(*) from ${run} q
     where q.state = 'queued' and (-q.priority, q.accepted_at, q.id) <= (-r.priority, r.accepted_at, r.id)) end as position,
  jsonb_build_object('total', r.partitions,
    'pending', r.partitions - c.running - c.completed - c.failed - c.cancelled,
    'running', c.running, 'completed', c.completed, 'failed', c.failed, 'cancelled', c.cancelled) as partitions`
}

/** Joins the counts of a run `r` as `c`: its slices, added up. */
export const countsOfRun = (schema: string): string => `cross join lateral (
  select coalesce(sum(running), 0) as running, coalesce(sum(completed), 0) as completed,
         coalesce(sum(failed), 0) as failed, coalesce(sum(cancelled), 0) as cancelled,
         -- Counts as numbers, the content hash as text: it has any size.
         jsonb_build_object('rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
           'rowsFiltered', coalesce(sum(rows_filtered), 0), 'rowsRejected', coalesce(sum(rows_rejected), 0),
           'chunks', coalesce(sum(chunks), 0), 'contentHash', coalesce(sum(content_hash), 0)::text) as totals,
         jsonb_build_object('readMs', coalesce(sum(read_micros), 0) / 1000, 'transformMs', coalesce(sum(transform_micros), 0) / 1000,
           'writeMs', coalesce(sum(write_micros), 0) / 1000) as spent,
         coalesce(sum(claims), 0) as claims, coalesce(sum(republished), 0) as republished,
         min(first_event_at) as first_event_at, max(last_event_at) as last_event_at
    from ${quoteIdentifier(schema)}.ledger_run_slice where run_id = r.id) c`
