import type { Client } from '../postgres/pool.ts'
import { type Version, versionsOf } from './contradictions.ts'
import type { PlacedEvent } from './placed-event.ts'
import { column, key, namesOf, parametersOf, rowsFrom, type Table } from './table.ts'

const contradictionTable: Table<Version> = {
  name: 'ledger_contradiction',
  columns: [
    key('event_id', 'uuid', ({ eventId }) => eventId),
    key('fact_hash', 'text', ({ factHash }) => factHash),
    column('event', 'jsonb', ({ copy }) => JSON.stringify(copy.event)),
    column('at', 'timestamptz', ({ copy }) => copy.event.at),
    column('record_offset', 'bigint', ({ copy }) => copy.offset),
  ],
}

/**
 * Notes facts of which more than one thing was told: each version once, by the copy of it that was told first. Of a fact
 * that only one thing was told of nothing is noted, unless it is a version of one that was noted before.
 */
export async function recordContradictions(
  client: Client,
  schema: string,
  topicPartition: number,
  copies: ReadonlyMap<string, readonly PlacedEvent[]>,
): Promise<void> {
  const versions = [...copies].map(([eventId, of]) => versionsOf(eventId, of))
  const contradicted = versions.filter(({ length }) => length > 1).flat()
  const others = versions.filter(({ length }) => length === 1).flat()
  const place = `$${contradictionTable.columns.length + 1}::bigint`
  const record = async (some: readonly Version[], condition: string): Promise<void> => {
    if (some.length === 0) return
    await client.query(
      `insert into ${schema}.ledger_contradiction as c (${namesOf(contradictionTable)}, topic_partition)
       select t.*, ${place} from ${rowsFrom(contradictionTable, 1)} as t (${namesOf(contradictionTable)}) where ${condition}
       on conflict (event_id, fact_hash) do update
         set event = excluded.event, at = excluded.at, topic_partition = excluded.topic_partition,
             record_offset = excluded.record_offset
         where (excluded.at, excluded.topic_partition, excluded.record_offset) < (c.at, c.topic_partition, c.record_offset)`,
      [...parametersOf(contradictionTable, some), topicPartition],
    )
  }
  await record(contradicted, 'true')
  await record(others, `exists (select from ${schema}.ledger_contradiction k where k.event_id = t.event_id)`)
}
