import type { Client } from '../postgres/pool.ts'
import type { RunRecord } from './record/run-record.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const planned = [
  column<RunRecord>('request_key', 'text', (run) => run.planned?.requestKey),
  column<RunRecord>('definition_hash', 'text', (run) => run.planned?.definitionHash),
  column<RunRecord>('plan_hash', 'text', (run) => run.planned?.planHash),
  column<RunRecord>('partitions', 'bigint', (run) => run.planned?.partitions),
  column<RunRecord>('range', 'jsonb', ({ planned }) => (planned === null ? null : JSON.stringify(planned.range))),
  column<RunRecord>('estimated_rows', 'bigint', (run) => run.planned?.estimatedRows),
  column<RunRecord>('planned_at', 'timestamptz', (run) => run.planned?.at),
  column<RunRecord>('planned_offset', 'bigint', (run) => run.planned?.offset),
]
const ended = [
  column<RunRecord>('state', 'text', (run) => run.ended?.state),
  column<RunRecord>('ended_at', 'timestamptz', (run) => run.ended?.at),
  column<RunRecord>('partitions_failed', 'bigint', (run) => run.ended?.partitionsFailed),
  column<RunRecord>('partitions_cancelled', 'bigint', (run) => run.ended?.partitionsCancelled),
  column<RunRecord>('totals', 'jsonb', ({ ended }) => (ended === null ? null : JSON.stringify(ended.totals))),
  column<RunRecord>('ended_offset', 'bigint', (run) => run.ended?.offset),
]
const runTable: Table<RunRecord> = {
  name: 'ledger_run',
  columns: [
    key('run_id', 'uuid', (run) => run.runId),
    key('backfill', 'text', (run) => run.backfill),
    ...planned,
    ...ended,
  ],
}

/** The conditions are the orders of run-record.ts. */
export async function recordRuns(client: Client, schema: string, runs: readonly RunRecord[]): Promise<void> {
  const toldEarlier = `excluded.planned_at is not null and (r.planned_at is null
    or (excluded.planned_at, excluded.planned_offset) < (r.planned_at, r.planned_offset))`
  const endsInstead = `excluded.state is not null and (r.state is null
    or (r.state, excluded.ended_at, excluded.ended_offset) < (excluded.state, r.ended_at, r.ended_offset))`
  const changed = (columns: readonly { readonly name: string }[], condition: string): string =>
    columns
      .map(({ name }) => `"${name}" = case when ${condition} then excluded."${name}" else r."${name}" end`)
      .join(', ')
  await client.query(
    `insert into ${schema}.ledger_run as r (${namesOf(runTable)}) select * from ${rowsFrom(runTable, 1)}
     on conflict (run_id) do update set ${changed(planned, toldEarlier)}, ${changed(ended, endsInstead)}`,
    parametersOf(runTable, runs),
  )
}
