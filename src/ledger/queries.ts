import canonicalize from 'canonicalize'
import { z } from 'zod'
import { Totals } from '../contract/certificate.ts'
import { Intent } from '../contract/control.ts'
import { BackfillId, RequestKey, RunId, WorkerId } from '../contract/ids.ts'
import { KeyRange } from '../contract/range.ts'
import type { StartRequest } from '../contract/request.ts'
import { RunState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../postgres/stored-values.ts'
import { type Intended, runIntent } from './intent-queries.ts'

const ListedRun = z.object({
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

const RunProgress = ListedRun.extend({
  /** Sums over all partitions. */
  totals: Totals,
  /** When the first and the last status event of a partition were told. */
  firstEventAt: StoredInstant.nullable(),
  lastEventAt: StoredInstant.nullable(),
})
export type RunProgress = z.infer<typeof RunProgress>

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

const FailedPartition = z.object({
  partitionId: z.uuid(),
  index: StoredCount,
  reason: z.string().nullable(),
  message: z.string().nullable(),
})
export type FailedPartition = z.infer<typeof FailedPartition>

export interface RunSummary extends RunProgress {
  readonly workers: readonly WorkerShare[]
  /** Claims of all partitions: as many as partitions when nothing was ever interrupted. */
  readonly claims: number
  /** Tasks that the supervisor published again. */
  readonly republished: number
  /** The first hundred partitions that failed. */
  readonly failures: readonly FailedPartition[]
  /** What was last wanted of it, by whom; null: it was never paused, resumed, cancelled or tuned. */
  readonly intended: Intended | null
}

const StoredAnswer = z.object({
  type: z.enum(['request.accepted', 'request.duplicate', 'request.rejected']),
  requestHash: z.string(),
  runId: RunId.nullable(),
  reasons: z.array(z.string()).nullable(),
  answeredAt: StoredInstant,
})
export type StoredAnswer = z.infer<typeof StoredAnswer>

/** The newest runs first; those that were archived only if asked for. */
export async function listRuns(
  pool: Pool,
  schema: string,
  withArchived = false,
  limit = 50,
): Promise<readonly ListedRun[]> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `with listed as (select * from ${quoteIdentifier(schema)}.run where $2 or archived_at is null
                      order by accepted_at desc, id desc limit $1)
     select ${runColumns(schema, 'r')} from listed r ${stateCounts(schema, 'select id from listed')} order by r.accepted_at desc, r.id desc`,
    [limit, withArchived],
  )
  return rows.map((row) => ListedRun.parse(row))
}

/** How far a run is; null when there is no such run. One query over the ledger's partitions: made to be asked often. */
export async function runProgress(pool: Pool, schema: string, runId: RunId): Promise<RunProgress | null> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select ${runColumns(schema, 'r')}, l.totals, l.first_event_at as "firstEventAt", l.last_event_at as "lastEventAt"
       from ${quoteIdentifier(schema)}.run r ${stateCounts(schema, 'select $1::uuid')} cross join ${sums(schema)}
      where r.id = $1`,
    [runId],
  )
  return rows[0] === undefined ? null : RunProgress.parse(rows[0])
}

/** Everything the ledger knows of a run in one answer; null when there is no such run. */
export async function runSummary(pool: Pool, schema: string, runId: RunId): Promise<RunSummary | null> {
  const progress = await runProgress(pool, schema, runId)
  if (progress === null) return null
  const s = quoteIdentifier(schema)
  const [wanted, workers, counts, failures] = await Promise.all([
    runIntent(pool, schema, runId),
    query<Record<string, unknown>>(pool, workerShares(s), [runId]),
    query<{ claims: string; republished: string }>(
      pool,
      `select (select coalesce(sum(epoch), 0) from ${s}.ledger_partition where run_id = $1) as claims,
              (select count(*) from ${s}.ledger_event where run_id = $1 and type = 'partition.republished') as republished`,
      [runId],
    ),
    query<Record<string, unknown>>(
      pool,
      `select partition_id as "partitionId", index, reason, message from ${s}.ledger_partition
        where run_id = $1 and state = 'failed' order by index limit 100`,
      [runId],
    ),
  ])
  return {
    ...progress,
    intended: wanted?.intended ?? null,
    workers: workers.rows.map((row) => WorkerShare.parse(row)),
    claims: Number(counts.rows[0]?.claims ?? 0),
    republished: Number(counts.rows[0]?.republished ?? 0),
    failures: failures.rows.map((row) => FailedPartition.parse(row)),
  }
}

/** The live run of a backfill with these very params; null when there is none. */
export async function liveRunOf(
  pool: Pool,
  schema: string,
  backfill: BackfillId,
  params: StartRequest['params'],
): Promise<{ readonly id: RunId; readonly requestKey: RequestKey; readonly state: RunState } | null> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select id, request_key as "requestKey", state, params from ${quoteIdentifier(schema)}.run
      where backfill = $1 and state in ('queued', 'planning', 'running', 'paused') order by accepted_at`,
    [backfill],
  )
  const live = rows.map((row) => ListedRun.pick({ id: true, requestKey: true, state: true, params: true }).parse(row))
  const same = live.find((run) => canonicalize(run.params) === canonicalize(params))
  return same === undefined ? null : { id: same.id, requestKey: same.requestKey, state: same.state }
}

/** Every answer a request key was given, the newest last. */
export async function answersOf(pool: Pool, schema: string, requestKey: RequestKey): Promise<readonly StoredAnswer[]> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select type, request_hash as "requestHash", run_id as "runId", reasons, answered_at as "answeredAt"
       from ${quoteIdentifier(schema)}.ledger_request where request_key = $1 order by answered_at, event_id`,
    [requestKey],
  )
  return rows.map((row) => StoredAnswer.parse(row))
}

const runColumns = (
  schema: string,
  r: string,
): string => `${r}.id, ${r}.request_key as "requestKey", ${r}.backfill, ${r}.state, ${r}.intent, ${r}.target,
  ${r}.params, ${r}.range, ${r}.estimated_rows as "estimatedRows", ${r}.accepted_at as "acceptedAt",
  ${r}.planned_at as "plannedAt", ${r}.ended_at as "endedAt",
  ${r}.archived_at as "archivedAt", ${r}.priority, ${r}.weight, ${r}.retry_of as "retryOf",
  array(select t.id from ${quoteIdentifier(schema)}.run t where t.retry_of = ${r}.id order by t.accepted_at) as retries,
  ${r}.follow, ${r}.follows, (select f.id from ${quoteIdentifier(schema)}.run f where f.follows = ${r}.id) as "followedBy",
  ${position(schema, r)} as position,
  jsonb_build_object('total', ${r}.partitions,
    'pending', ${r}.partitions - coalesce(c.running, 0) - coalesce(c.completed, 0) - coalesce(c.failed, 0)
      - coalesce(c.cancelled, 0),
    'running', coalesce(c.running, 0), 'completed', coalesce(c.completed, 0), 'failed', coalesce(c.failed, 0),
    'cancelled', coalesce(c.cancelled, 0)) as partitions`

const position = (schema: string, r: string): string => `case when ${r}.state = 'queued' then (
  select count(*) from ${quoteIdentifier(schema)}.run q
   where q.state = 'queued' and (-q.priority, q.accepted_at, q.id) <= (-${r}.priority, ${r}.accepted_at, ${r}.id)) end`

const stateCounts = (schema: string, runs: string): string => `left join (
  select run_id, count(*) filter (where state = 'running') as running,
         count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'failed') as failed,
         count(*) filter (where state = 'cancelled') as cancelled
    from ${quoteIdentifier(schema)}.ledger_partition where run_id in (${runs}) group by run_id) c on c.run_id = r.id`

/** Counts as numbers, the content hash as text: it has any size. */
const sums = (schema: string): string => `(
  select jsonb_build_object('rowsRead', coalesce(sum(rows_read), 0), 'rowsWritten', coalesce(sum(rows_written), 0),
           'rowsFiltered', coalesce(sum(rows_filtered), 0), 'rowsRejected', coalesce(sum(rows_rejected), 0),
           'chunks', coalesce(sum(chunks), 0), 'contentHash', coalesce(sum(content_hash), 0)::text) as totals,
         min(first_event_at) as first_event_at, max(last_event_at) as last_event_at
    from ${quoteIdentifier(schema)}.ledger_partition where run_id = $1) l`

/**
 * Totals in events are the partition's, whoever worked on it before: what a hold added is the difference between its
 * last event and the claim it began with.
 */
const workerShares = (schema: string): string => `
  with hold as (
    select (array_agg(event->>'worker' order by (event->>'sequence')::bigint, at))[1] as worker, partition_id,
           max((event->'totals'->>'rowsRead')::bigint) - min((event->'totals'->>'rowsRead')::bigint) as rows_read,
           max((event->'totals'->>'rowsWritten')::bigint) - min((event->'totals'->>'rowsWritten')::bigint) as rows_written,
           max((event->'totals'->>'chunks')::bigint) - min((event->'totals'->>'chunks')::bigint) as chunks,
           min(at) as first_at, max(at) as last_at
      from ${schema}.ledger_event
     where run_id = $1 and type in ('partition.claimed', 'partition.progressed', 'partition.completed', 'partition.failed')
     group by partition_id, (event->>'epoch')::bigint)
  select worker, count(distinct partition_id) as partitions, count(*) as claims, sum(rows_read) as "rowsRead",
         sum(rows_written) as "rowsWritten", sum(chunks) as chunks, min(first_at) as "firstEventAt", max(last_at) as "lastEventAt"
    from hold group by worker order by worker`
