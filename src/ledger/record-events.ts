import type { StatusEvent } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query, withClient } from '../postgres/pool.ts'
import { eventIdOf } from '../status/event-id.ts'
import { type AcknowledgementRecord, mergeEvents, type PartitionRecord, type RunRecord } from './merge.ts'

/** A status event and where it stood. */
export interface PlacedEvent {
  readonly event: StatusEvent
  readonly offset: string
}

/** How far a topic partition of the status topic has been read. */
export interface ReadUpTo {
  readonly topic: string
  readonly topicPartition: number
  readonly nextOffset: string
}

/**
 * Records events and moves the offset in one statement, so in one transaction: both or neither, and the same events
 * again change nothing. Rejects with Postgres's own error when an event holds what Postgres cannot store.
 */
export async function recordEvents(
  pool: Pool,
  schema: string,
  events: readonly PlacedEvent[],
  upTo: ReadUpTo,
): Promise<void> {
  const { partitions, runs, answers, acknowledgements } = mergeEvents(events.map(({ event }) => event))
  const history = events.map(({ event, offset }) => ({
    event_id: eventIdOf(event),
    type: event.type,
    at: event.at,
    run_id: 'runId' in event ? event.runId : null,
    partition_id: 'partitionId' in event ? event.partitionId : null,
    event,
    record_offset: offset,
  }))
  const answered = [...answers.values()].map(({ eventId, answer }) => ({
    event_id: eventId,
    request_key: answer.requestKey,
    request_hash: answer.requestHash,
    type: answer.type,
    run_id: 'runId' in answer ? answer.runId : null,
    reasons: 'reasons' in answer ? answer.reasons : null,
    answered_at: answer.at,
  }))
  const values = [
    JSON.stringify(history),
    JSON.stringify([...partitions.values()].map(partitionRow)),
    JSON.stringify([...runs.values()].map(runRow)),
    JSON.stringify(answered),
    ...[upTo.topic, upTo.topicPartition, upTo.nextOffset],
    JSON.stringify([...acknowledgements.values()].map(acknowledgementRow)),
  ]
  // Named, for planning it costs the server more than a few events do.
  const statement = { name: `tidemark-record-${schema}`, text: recordStatement(quoteIdentifier(schema)), values }
  await withClient(pool, (client) => client.query(statement))
}

/** Where reading goes on, for the topic partitions read before. */
export async function storedOffsets(
  pool: Pool,
  schema: string,
  topic: string,
  topicPartitions: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const { rows } = await query<{ topic_partition: string; next_offset: string }>(
    pool,
    `select topic_partition, next_offset from ${quoteIdentifier(schema)}.ledger_offset where topic = $1 and topic_partition = any ($2::bigint[])`,
    [topic, topicPartitions],
  )
  return new Map(rows.map((row) => [Number(row.topic_partition), String(row.next_offset)]))
}

/** The row comparisons are the orders of merge.ts. Rows are sorted, or two writers could lock each other out. */
const recordStatement = (schema: string): string => `
with history as (
  insert into ${schema}.ledger_event (event_id, type, at, run_id, partition_id, event, topic_partition, record_offset)
  select e.event_id, e.type, e.at, e.run_id, e.partition_id, e.event, $6, e.record_offset
    from jsonb_to_recordset($1::jsonb) as e (event_id uuid, type text, at timestamptz, run_id uuid, partition_id uuid,
                                             event jsonb, record_offset bigint)
   order by e.event_id
  on conflict (event_id) do nothing
), partitions as (
  insert into ${schema}.ledger_partition as p (${partitionColumns.join(', ')})
  select * from jsonb_to_recordset($2::jsonb) as n (partition_id uuid, run_id uuid, backfill text, index bigint,
    epoch bigint, sequence bigint, rank bigint, state text, state_at timestamptz, cursor text, rows_read bigint,
    rows_written bigint, rows_filtered bigint, rows_rejected bigint, chunks bigint, content_hash numeric, worker text,
    topic_partition bigint, reason text, message text, first_event_at timestamptz, last_event_at timestamptz)
   order by n.partition_id
  on conflict (partition_id) do update set
    ${newestOf.map((column) => `${column} = case when ${isNewer} then excluded.${column} else p.${column} end`).join(',\n    ')},
    first_event_at = least(p.first_event_at, excluded.first_event_at),
    last_event_at = greatest(p.last_event_at, excluded.last_event_at)
), runs as (
  insert into ${schema}.ledger_run as r (run_id, backfill, ${plannedColumns.join(', ')}, ${endedColumns.join(', ')})
  select * from jsonb_to_recordset($3::jsonb) as n (run_id uuid, backfill text, request_key text, definition_hash text,
    plan_hash text, partitions bigint, range jsonb, estimated_rows bigint, planned_at timestamptz, state text,
    ended_at timestamptz, partitions_failed bigint, partitions_cancelled bigint, totals jsonb)
   order by n.run_id
  on conflict (run_id) do update set
    ${plannedColumns.map((column) => `${column} = case when ${toldEarlier} then excluded.${column} else r.${column} end`).join(',\n    ')},
    ${endedColumns.map((column) => `${column} = case when ${endsInstead} then excluded.${column} else r.${column} end`).join(',\n    ')}
), answers as (
  insert into ${schema}.ledger_request as q (event_id, request_key, request_hash, type, run_id, reasons, answered_at)
  select * from jsonb_to_recordset($4::jsonb) as n (event_id uuid, request_key text, request_hash text, type text,
                                                    run_id uuid, reasons jsonb, answered_at timestamptz)
   order by n.event_id
  on conflict (event_id) do update set reasons = excluded.reasons, run_id = excluded.run_id, answered_at = excluded.answered_at
    where q.answered_at < excluded.answered_at
), acknowledgements as (
  insert into ${schema}.ledger_acknowledgement as k (run_id, worker, sequence, intent, at_start, at)
  select * from jsonb_to_recordset($8::jsonb) as n (run_id uuid, worker text, sequence bigint, intent text,
                                                    at_start boolean, at timestamptz)
   order by n.run_id, n.worker
  on conflict (run_id, worker) do update
    set sequence = excluded.sequence, intent = excluded.intent, at_start = excluded.at_start, at = excluded.at
    where (k.sequence, excluded.at, excluded.at_start, excluded.intent) < (excluded.sequence, k.at, k.at_start, k.intent)
)
insert into ${schema}.ledger_offset as o (topic, topic_partition, next_offset) values ($5, $6, $7)
on conflict (topic, topic_partition) do update set next_offset = greatest(o.next_offset, excluded.next_offset)`

/** What changes with a newer fact; ids, backfill and index are the same in all facts of a partition. */
const newestOf = [
  ...['epoch', 'sequence', 'rank', 'state', 'state_at', 'cursor', 'rows_read', 'rows_written', 'rows_filtered'],
  ...['rows_rejected', 'chunks', 'content_hash', 'worker', 'topic_partition', 'reason', 'message'],
]
const partitionColumns = ['partition_id', 'run_id', 'backfill', 'index', ...newestOf, 'first_event_at', 'last_event_at']
const isNewer = `(p.epoch, p.sequence, p.rank, p.state, excluded.state_at, excluded.worker, excluded.topic_partition)
      < (excluded.epoch, excluded.sequence, excluded.rank, excluded.state, p.state_at, p.worker, p.topic_partition)`

const plannedColumns = [
  'request_key',
  'definition_hash',
  'plan_hash',
  'partitions',
  'range',
  'estimated_rows',
  'planned_at',
]
const toldEarlier = `excluded.planned_at is not null and (r.planned_at is null or excluded.planned_at < r.planned_at)`
const endedColumns = ['state', 'ended_at', 'partitions_failed', 'partitions_cancelled', 'totals']
const endsInstead = `excluded.state is not null and (r.state is null or (r.state, excluded.ended_at) < (excluded.state, r.ended_at))`

function partitionRow(record: PartitionRecord): Record<string, unknown> {
  const { totals } = record
  return {
    partition_id: record.partitionId,
    run_id: record.runId,
    backfill: record.backfill,
    index: record.index,
    epoch: record.epoch,
    sequence: record.sequence,
    rank: record.rank,
    state: record.state,
    state_at: record.stateAt,
    cursor: record.cursor,
    rows_read: totals.rowsRead,
    rows_written: totals.rowsWritten,
    rows_filtered: totals.rowsFiltered,
    rows_rejected: totals.rowsRejected,
    chunks: totals.chunks,
    content_hash: totals.contentHash,
    worker: record.worker,
    topic_partition: record.topicPartition,
    reason: record.reason,
    message: record.message,
    first_event_at: record.firstEventAt,
    last_event_at: record.lastEventAt,
  }
}

function runRow({ runId, backfill, planned, ended }: RunRecord): Record<string, unknown> {
  return {
    run_id: runId,
    backfill,
    request_key: planned?.requestKey,
    definition_hash: planned?.definitionHash,
    plan_hash: planned?.planHash,
    partitions: planned?.partitions,
    range: planned?.range,
    estimated_rows: planned?.estimatedRows,
    planned_at: planned?.at,
    state: ended?.state,
    ended_at: ended?.at,
    partitions_failed: ended?.partitionsFailed,
    partitions_cancelled: ended?.partitionsCancelled,
    totals: ended?.totals,
  }
}

function acknowledgementRow(record: AcknowledgementRecord): Record<string, unknown> {
  const { runId, worker, sequence, intent, atStart, at } = record
  return { run_id: runId, worker, sequence, intent, at_start: atStart, at }
}
