// Reads of the control database: one partition with its run (tables partition, run), what the ledger has of both
// (ledger_history, ledger_event, ledger_partition, ledger_acknowledgement). Writes nothing.
import { z } from 'zod'
import { Intent, PartitionIntent } from '../contract/control.ts'
import { TerminalError } from '../contract/errors.ts'
import { BackfillId, PartitionId, RunId } from '../contract/ids.ts'
import { KeyKind } from '../contract/range.ts'
import { RunState } from '../contract/states.ts'
import { StatusEvent } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../postgres/stored-values.ts'
import type { OtherPartitions, PartitionFacts } from './facts.ts'
import type { PartitionRef } from './partition-ref.ts'
import { runEventIds } from './run-event-ids.ts'

/** Throws TerminalError (NOT_FOUND), which says what there is. */
export async function loadFacts(pool: Pool, schema: string, ref: PartitionRef): Promise<PartitionFacts> {
  const found = (await plannedPartition(pool, schema, ref)) ?? (await recordedPartition(pool, schema, ref))
  if (found === null) throw await unknown(pool, schema, ref)
  const { controlSequence, ...known } = found
  const { partitionId, runId } = known
  const events = await Promise.all([
    eventsIn(pool, schema, 'ledger_history where partition_id = $1', [partitionId]),
    alertsOf(pool, schema, known),
    eventsIn(pool, schema, 'ledger_event where partition_id is null and event_id = any ($1::uuid[])', [
      runEventIds(runId, controlSequence ?? (await newestSequence(pool, schema, runId))),
    ]),
  ])
  return { ...known, events: events.flat(), others: await otherPartitions(pool, schema, known) }
}

type Found = Omit<PartitionFacts, 'events' | 'others'> & {
  /** Null: not known. */
  readonly controlSequence: number | null
}

/** As the planner wrote it down. */
async function plannedPartition(pool: Pool, schema: string, ref: PartitionRef): Promise<Found | null> {
  const s = quoteIdentifier(schema)
  const [where, values] =
    'partitionId' in ref
      ? ['p.partition_id = $1', [ref.partitionId]]
      : ['p.run_id = $1 and p.index = $2', [ref.runId, ref.index]]
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select p.partition_id as "partitionId", p.run_id as "runId", p.index, p.kind, p."from", p."to",
            p.estimated_rows as "estimatedRows", p.intent as "ownIntent",
            r.backfill, r.state, r.intent, r.intended_at as "intendedAt", r.intended_by as "intendedBy",
            r.intent_reason as "intentReason", r.control_sequence as "controlSequence", r.partitions, r.published,
            r.planned_at as "plannedAt", coalesce(r.max_concurrent_partitions,
              (r.definition->'limits'->>'maxConcurrentPartitions')::bigint) as "mostOpen",
            array(select t.id from ${s}.run t where t.retry_of = r.id order by t.accepted_at) as retries
       from ${s}.partition p join ${s}.run r on r.id = p.run_id where ${where}`,
    values,
  )
  if (rows[0] === undefined) return null
  const { partitionId, runId, index, backfill, kind, from, to, estimatedRows, ownIntent, ...run } = PlannedRow.parse(
    rows[0],
  )
  const { intendedAt, intendedBy, intentReason, controlSequence, ...rest } = run
  const intended = intendedAt === null ? null : { at: intendedAt, by: intendedBy, reason: intentReason }
  return {
    ...{ partitionId, runId, index, backfill, controlSequence },
    run: { ...rest, intended },
    planned: { range: { kind, from, to }, estimatedRows, intent: ownIntent },
  }
}

const PlannedRow = z.object({
  partitionId: PartitionId,
  runId: RunId,
  index: StoredCount,
  kind: KeyKind,
  from: z.string(),
  to: z.string(),
  estimatedRows: StoredCount.nullable(),
  ownIntent: PartitionIntent.shape.intent.nullable(),
  backfill: BackfillId,
  state: RunState,
  intent: Intent,
  intendedAt: StoredInstant.nullable(),
  intendedBy: z.string().nullable(),
  intentReason: z.string().nullable(),
  controlSequence: StoredCount,
  partitions: StoredCount,
  published: StoredCount,
  plannedAt: StoredInstant.nullable(),
  mostOpen: StoredCount.nullable(),
  retries: z.array(RunId),
})

/** As the ledger has it, where there is no plan: it was rebuilt from the topic. */
async function recordedPartition(pool: Pool, schema: string, ref: PartitionRef): Promise<Found | null> {
  const [where, values] =
    'partitionId' in ref
      ? ['partition_id = $1', [ref.partitionId]]
      : ['run_id = $1 and index = $2', [ref.runId, ref.index]]
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select partition_id as "partitionId", run_id as "runId", index, backfill
       from ${quoteIdentifier(schema)}.ledger_partition where ${where}`,
    values,
  )
  if (rows[0] === undefined) return null
  return {
    ...PlannedRow.pick({ partitionId: true, runId: true, index: true, backfill: true }).parse(rows[0]),
    run: null,
    planned: null,
    controlSequence: null,
  }
}

/** The newest intent of a run that a worker obeys. */
async function newestSequence(pool: Pool, schema: string, runId: RunId): Promise<number> {
  const { rows } = await query<{ sequence: string | null }>(
    pool,
    `select max(sequence) as sequence from ${quoteIdentifier(schema)}.ledger_acknowledgement where run_id = $1`,
    [runId],
  )
  return Number(rows[0]?.sequence ?? 0)
}

async function eventsIn(
  pool: Pool,
  schema: string,
  some: string,
  values: readonly unknown[],
): Promise<readonly StatusEvent[]> {
  const { rows } = await query<{ event: unknown }>(pool, `select event from ${quoteIdentifier(schema)}.${some}`, values)
  return rows.flatMap(({ event }) => readable(event))
}

async function alertsOf(
  pool: Pool,
  schema: string,
  { runId, partitionId }: Pick<PartitionFacts, 'runId' | 'partitionId'>,
): Promise<readonly StatusEvent[]> {
  const { rows } = await query<{ raised: unknown; resolved: unknown }>(
    pool,
    `select raised, resolved from ${quoteIdentifier(schema)}.ledger_alert where run_id = $1 and partition_id = $2`,
    [runId, partitionId],
  )
  return rows.flatMap(({ raised, resolved }) => [...readable(raised), ...readable(resolved)])
}

/** Of a newer version: there is nothing to say of it. */
function readable(event: unknown): readonly StatusEvent[] {
  const parsed = StatusEvent.safeParse(event)
  return parsed.success ? [parsed.data] : []
}

/** Enough to know the median, however many partitions a run has. */
const sampled = 10_000

async function otherPartitions(
  pool: Pool,
  schema: string,
  { runId, partitionId }: Pick<PartitionFacts, 'runId' | 'partitionId'>,
): Promise<OtherPartitions | null> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select count(*) as completed, percentile_cont(0.5) within group (order by ms) as "medianMs",
            percentile_cont(0.5) within group (order by rows_read) as "medianRows",
            percentile_cont(0.5) within group (order by rows_read * 1000 / greatest(ms, 1)) as "medianRowsPerSecond"
       from (select extract(epoch from last_event_at - first_event_at)::float8 * 1000 as ms, rows_read::float8
               from ${quoteIdentifier(schema)}.ledger_partition
              where run_id = $1 and state = 'completed' and partition_id <> $2 limit ${sampled}) completed`,
    [runId, partitionId],
  )
  const [row] = rows
  return row === undefined || Number(row['completed']) === 0 ? null : OthersRow.parse(row)
}

const OthersRow = z.object({
  completed: StoredCount,
  medianMs: z.number(),
  medianRows: z.number(),
  medianRowsPerSecond: z.number(),
})

async function unknown(pool: Pool, schema: string, ref: PartitionRef): Promise<TerminalError> {
  const s = quoteIdentifier(schema)
  const runId = 'partitionId' in ref ? ref.partitionId : ref.runId
  const { rows } = await query<{ partitions: string; planned: string }>(
    pool,
    `select partitions, plan_cursor as planned from ${s}.run where id = $1`,
    [runId],
  )
  const [run] = rows
  const last = Number(run?.planned ?? 0) - 1
  const oneOf =
    last < 0 ? 'none of its partitions is planned yet' : `name one of its partitions, ${runId}/0 to ${runId}/${last}`
  if ('partitionId' in ref)
    return run === undefined
      ? notFound(
          `no partition ${ref.partitionId} is known here; "tidemark status" lists the runs, and RUN/INDEX names a partition of one`,
        )
      : notFound(`${runId} is a run: ${oneOf}`)
  return run === undefined
    ? notFound(`no run ${runId} is known here; "tidemark status" lists them`)
    : notFound(`run ${runId} has no partition ${ref.index}: ${oneOf}`)
}

const notFound = (message: string): TerminalError => new TerminalError('NOT_FOUND', message)
