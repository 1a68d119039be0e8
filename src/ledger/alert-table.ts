import type { Client } from '../postgres/pool.ts'
import type { AlertRecord } from './record/alert-record.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const eventText = (told: { readonly event: object } | null): string | null =>
  told === null ? null : JSON.stringify(told.event)

const alertTable: Table<AlertRecord> = {
  name: 'ledger_alert',
  columns: [
    key('alert_id', 'uuid', ({ alertId }) => alertId),
    column('raised', 'jsonb', ({ raised }) => eventText(raised)),
    column('raised_at', 'timestamptz', ({ raised }) => raised?.at),
    column('raised_offset', 'bigint', ({ raised }) => raised?.offset),
    column('resolved', 'jsonb', ({ resolved }) => eventText(resolved)),
    column('resolved_at', 'timestamptz', ({ resolved }) => resolved?.at),
    column('resolved_offset', 'bigint', ({ resolved }) => resolved?.offset),
  ],
}

/** Of each of the two the copy that was told first: the order of alert-record.ts. */
export async function recordAlerts(client: Client, schema: string, alerts: readonly AlertRecord[]): Promise<void> {
  const firstTold = (fact: 'raised' | 'resolved'): string => {
    const condition = `excluded.${fact} is not null and (a.${fact} is null
      or (excluded.${fact}_at, excluded.${fact}_offset) < (a.${fact}_at, a.${fact}_offset))`
    return [fact, `${fact}_at`, `${fact}_offset`]
      .map((name) => `${name} = case when ${condition} then excluded.${name} else a.${name} end`)
      .join(', ')
  }
  await client.query(
    `insert into ${schema}.ledger_alert as a (${namesOf(alertTable)}) select * from ${rowsFrom(alertTable, 1)}
     on conflict (alert_id) do update set ${firstTold('raised')}, ${firstTold('resolved')}`,
    parametersOf(alertTable, alerts),
  )
}
