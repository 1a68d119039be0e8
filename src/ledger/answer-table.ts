import type { Client } from '../postgres/pool.ts'
import type { AnswerRecord } from './record/answer-record.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const answerTable: Table<AnswerRecord> = {
  name: 'ledger_request',
  columns: [
    key('event_id', 'uuid', ({ eventId }) => eventId),
    column('request_key', 'text', ({ answer }) => answer.requestKey),
    column('request_hash', 'text', ({ answer }) => answer.requestHash),
    column('type', 'text', ({ answer }) => answer.type),
    column('run_id', 'uuid', ({ answer }) => ('runId' in answer ? answer.runId : null)),
    column('reasons', 'jsonb', ({ answer }) => ('reasons' in answer ? JSON.stringify(answer.reasons) : null)),
    column('answered_at', 'timestamptz', ({ answer }) => answer.at),
    column('record_offset', 'bigint', ({ offset }) => offset),
  ],
}

/** The condition is the order of answer-record.ts. */
export async function recordAnswers(client: Client, schema: string, answers: readonly AnswerRecord[]): Promise<void> {
  await client.query(
    `insert into ${schema}.ledger_request as q (${namesOf(answerTable)}) select * from ${rowsFrom(answerTable, 1)}
     on conflict (event_id) do update
       set reasons = excluded.reasons, run_id = excluded.run_id, answered_at = excluded.answered_at,
           record_offset = excluded.record_offset
       where (q.answered_at, q.record_offset) < (excluded.answered_at, excluded.record_offset)`,
    parametersOf(answerTable, answers),
  )
}
