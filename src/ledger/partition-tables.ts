import type { HeardDelta, RunDelta, ShareDelta, StoredPartition } from './partition-changes.ts'
import { column, key, type Table } from './table.ts'

/** The newest state of each partition. */
export const partitionTable: Table<StoredPartition> = {
  name: 'ledger_partition',
  columns: [
    key('partition_id', 'uuid', (row) => row.partitionId),
    column('run_id', 'uuid', (row) => row.runId),
    column('backfill', 'text', (row) => row.backfill),
    column('index', 'bigint', (row) => row.index),
    column('epoch', 'bigint', (row) => row.epoch),
    column('sequence', 'bigint', (row) => row.sequence),
    column('rank', 'bigint', (row) => row.rank),
    column('state', 'text', (row) => row.state),
    column('state_at', 'timestamptz', (row) => row.stateAt),
    column('record_offset', 'bigint', (row) => row.offset),
    column('cursor', 'text', (row) => row.cursor),
    column('rows_read', 'bigint', (row) => row.totals.rowsRead),
    column('rows_written', 'bigint', (row) => row.totals.rowsWritten),
    column('rows_filtered', 'bigint', (row) => row.totals.rowsFiltered),
    column('rows_rejected', 'bigint', (row) => row.totals.rowsRejected),
    column('chunks', 'bigint', (row) => row.totals.chunks),
    column('content_hash', 'numeric', (row) => row.totals.contentHash),
    column('worker', 'text', (row) => row.worker),
    column('topic_partition', 'bigint', (row) => row.topicPartition),
    column('reason', 'text', (row) => row.reason),
    column('message', 'text', (row) => row.message),
    column('attempts', 'bigint', (row) => row.attempts),
    column('first_event_at', 'timestamptz', (row) => row.firstEventAt),
    column('last_event_at', 'timestamptz', (row) => row.lastEventAt),
    column('read_micros', 'bigint', (row) => row.timings.readMicros),
    column('transform_micros', 'bigint', (row) => row.timings.transformMicros),
    column('write_micros', 'bigint', (row) => row.timings.writeMicros),
    column('holds', 'json', (row) => JSON.stringify(row.holds)),
  ],
}

export type Sliced<Row> = Row & { readonly topicPartition: number }

/** Counts and sums of a run over its partitions, a slice each topic partition of the status topic. */
export const runTable: Table<Sliced<RunDelta>> = {
  name: 'ledger_run_slice',
  columns: [
    key('run_id', 'uuid', (row) => row.runId),
    key('topic_partition', 'bigint', (row) => row.topicPartition),
    column('running', 'bigint', (row) => row.states.running, 'add'),
    column('completed', 'bigint', (row) => row.states.completed, 'add'),
    column('failed', 'bigint', (row) => row.states.failed, 'add'),
    column('cancelled', 'bigint', (row) => row.states.cancelled, 'add'),
    column('rows_read', 'bigint', (row) => row.rows.rowsRead, 'add'),
    column('rows_written', 'bigint', (row) => row.rows.rowsWritten, 'add'),
    column('rows_filtered', 'bigint', (row) => row.rows.rowsFiltered, 'add'),
    column('rows_rejected', 'bigint', (row) => row.rows.rowsRejected, 'add'),
    column('chunks', 'bigint', (row) => row.rows.chunks, 'add'),
    column('content_hash', 'numeric', (row) => row.rows.contentHash, 'add'),
    column('read_micros', 'bigint', (row) => row.timings.readMicros, 'add'),
    column('transform_micros', 'bigint', (row) => row.timings.transformMicros, 'add'),
    column('write_micros', 'bigint', (row) => row.timings.writeMicros, 'add'),
    column('claims', 'bigint', (row) => row.claims, 'add'),
    column('republished', 'bigint', (row) => row.republished, 'add'),
    column('first_event_at', 'timestamptz', (row) => row.times?.firstEventAt, 'least'),
    column('last_event_at', 'timestamptz', (row) => row.times?.lastEventAt, 'greatest'),
  ],
}

/** What each worker did of a run, in the same slices. */
export const shareTable: Table<Sliced<ShareDelta>> = {
  name: 'ledger_share',
  columns: [
    key('run_id', 'uuid', (row) => row.runId),
    key('worker', 'text', (row) => row.worker),
    key('topic_partition', 'bigint', (row) => row.topicPartition),
    column('partitions', 'bigint', (row) => row.partitions, 'add'),
    column('claims', 'bigint', (row) => row.claims, 'add'),
    column('rows_read', 'bigint', (row) => row.counts.rowsRead, 'add'),
    column('rows_written', 'bigint', (row) => row.counts.rowsWritten, 'add'),
    column('chunks', 'bigint', (row) => row.counts.chunks, 'add'),
    column('first_event_at', 'timestamptz', (row) => row.times?.firstEventAt, 'least'),
    column('last_event_at', 'timestamptz', (row) => row.times?.lastEventAt, 'greatest'),
  ],
}

/** What was heard of a run, by time. */
export const heardTable: Table<Sliced<HeardDelta>> = {
  name: 'ledger_heard',
  columns: [
    key('run_id', 'uuid', (row) => row.runId),
    key('since', 'timestamptz', (row) => row.since),
    key('topic_partition', 'bigint', (row) => row.topicPartition),
    column('rows_read', 'bigint', (row) => row.rowsRead, 'add'),
    column('rows_written', 'bigint', (row) => row.rowsWritten, 'add'),
    column('chunks', 'bigint', (row) => row.chunks, 'add'),
    column('ended', 'bigint', (row) => row.ended, 'add'),
  ],
}
