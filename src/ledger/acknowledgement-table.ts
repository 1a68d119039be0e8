import type { Client } from '../postgres/pool.ts'
import type { AcknowledgementRecord } from './record/acknowledgement-record.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const acknowledgementTable: Table<AcknowledgementRecord> = {
  name: 'ledger_acknowledgement',
  columns: [
    key('run_id', 'uuid', (row) => row.runId),
    key('worker', 'text', (row) => row.worker),
    column('sequence', 'bigint', (row) => row.sequence),
    column('intent', 'text', (row) => row.intent),
    column('at_start', 'boolean', (row) => row.atStart),
    column('at', 'timestamptz', (row) => row.at),
  ],
}

/** The condition is the order of acknowledgement-record.ts. */
export async function recordAcknowledgements(
  client: Client,
  schema: string,
  acknowledgements: readonly AcknowledgementRecord[],
): Promise<void> {
  await client.query(
    `insert into ${schema}.ledger_acknowledgement as k (${namesOf(acknowledgementTable)})
     select * from ${rowsFrom(acknowledgementTable, 1)}
     on conflict (run_id, worker) do update
       set sequence = excluded.sequence, intent = excluded.intent, at_start = excluded.at_start, at = excluded.at
       where (k.sequence, excluded.at, excluded.at_start, excluded.intent) < (excluded.sequence, k.at, k.at_start, k.intent)`,
    parametersOf(acknowledgementTable, acknowledgements),
  )
}
