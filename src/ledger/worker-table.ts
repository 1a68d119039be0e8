import type { Client } from '../postgres/pool.ts'
import type { WorkerRecord } from './record/worker-record.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const newest = [
  column<WorkerRecord>('sequence', 'bigint', (row) => row.newest?.event.sequence),
  column<WorkerRecord>('rank', 'bigint', (row) => row.newest?.rank),
  column<WorkerRecord>('told_at', 'timestamptz', (row) => row.newest?.at),
  column<WorkerRecord>('record_offset', 'bigint', (row) => row.newest?.offset),
  column<WorkerRecord>('slots', 'bigint', (row) => row.newest?.event.slots),
  column<WorkerRecord>('running', 'bigint', (row) => row.newest?.event.running),
  column<WorkerRecord>('lanes', 'jsonb', (row) =>
    row.newest === null ? null : JSON.stringify(row.newest.event.lanes),
  ),
  column<WorkerRecord>('resident_mb', 'float8', (row) => row.newest?.event.residentMb),
  column<WorkerRecord>('cpu_share', 'float8', (row) => row.newest?.event.cpuShare),
  column<WorkerRecord>('loop_delay_ms', 'float8', (row) => row.newest?.event.loopDelayMs),
]
const lost = [
  column<WorkerRecord>('lost_sequence', 'bigint', (row) => row.lost?.event.sequence),
  column<WorkerRecord>('lost_at', 'timestamptz', (row) => row.lost?.at),
  column<WorkerRecord>('lost_offset', 'bigint', (row) => row.lost?.offset),
  column<WorkerRecord>('lost_message', 'text', (row) => row.lost?.event.message),
]
const workerTable: Table<WorkerRecord> = {
  name: 'ledger_worker',
  columns: [
    key('worker', 'text', (row) => row.worker),
    key('instance', 'uuid', (row) => row.instance),
    ...newest,
    ...lost,
    column('first_heard_at', 'timestamptz', (row) => row.firstHeardAt, 'least'),
    column('last_heard_at', 'timestamptz', (row) => row.lastHeardAt, 'greatest'),
  ],
}

/** The conditions are the orders of worker-record.ts. */
export async function recordWorkers(client: Client, schema: string, workers: readonly WorkerRecord[]): Promise<void> {
  const isNewer = `excluded.sequence is not null and (w.sequence is null
    or (w.sequence, w.rank, excluded.told_at, excluded.record_offset)
     < (excluded.sequence, excluded.rank, w.told_at, w.record_offset))`
  const isLostNewer = `excluded.lost_sequence is not null and (w.lost_sequence is null
    or (w.lost_sequence, excluded.lost_at, excluded.lost_offset) < (excluded.lost_sequence, w.lost_at, w.lost_offset))`
  const changed = (columns: readonly { readonly name: string }[], condition: string): string =>
    columns.map(({ name }) => `${name} = case when ${condition} then excluded.${name} else w.${name} end`).join(', ')
  await client.query(
    `insert into ${schema}.ledger_worker as w (${namesOf(workerTable)}) select * from ${rowsFrom(workerTable, 1)}
     on conflict (worker, instance) do update set ${changed(newest, isNewer)}, ${changed(lost, isLostNewer)},
       first_heard_at = least(w.first_heard_at, excluded.first_heard_at),
       last_heard_at = greatest(w.last_heard_at, excluded.last_heard_at)`,
    parametersOf(workerTable, workers),
  )
}
