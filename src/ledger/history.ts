import type { StatusEvent } from '../contract/status.ts'
import type { Client } from '../postgres/pool.ts'
import type { KnownFact } from './known-fact.ts'
import { subjectOf } from './merge.ts'
import type { PlacedEvent } from './placed-event.ts'
import { column, key, namesOf, parametersOf, rowsFrom, statementName, type Table } from './table.ts'

/** A fact, and the copy of it that was told first. */
interface Fact {
  readonly eventId: string
  readonly placed: PlacedEvent
}

/** The history: every fact once. */
const historyTable: Table<Fact> = {
  name: 'ledger_event',
  columns: [
    key('event_id', 'uuid', ({ eventId }) => eventId),
    column('type', 'text', ({ placed }) => placed.event.type),
    column('at', 'timestamptz', ({ placed }) => placed.event.at),
    column('run_id', 'uuid', ({ placed }) => subjectOf(placed.event).runId),
    column('partition_id', 'uuid', ({ placed }) => subjectOf(placed.event).partitionId),
    column('event', 'jsonb', ({ placed }) => JSON.stringify(placed.event)),
    column('record_offset', 'bigint', ({ placed }) => placed.offset),
  ],
}

/** The parameters of the facts of a batch. Throws RowError for one that Postgres cannot hold. */
export const historyParameters = (facts: ReadonlyMap<string, PlacedEvent>): readonly Buffer[] =>
  parametersOf(historyTable, factsOf(facts))

const factsOf = (facts: ReadonlyMap<string, PlacedEvent>): Fact[] =>
  [...facts].map(([eventId, placed]) => ({ eventId, placed }))

/**
 * Adds facts that are new, and returns those that are not. What the second part reads is the history as it was: a
 * statement does not see what it does itself.
 */
export async function addFacts(
  client: Client,
  schema: string,
  topicPartition: number,
  parameters: readonly Buffer[],
): Promise<readonly KnownFact[]> {
  const own = `$${parameters.length + 1}::bigint`
  const { rows } = await client.query<KnownRow>({
    name: statementName('add facts', schema),
    text: `
      with told as (
        select * from ${rowsFrom(historyTable, 1)} as t (${namesOf(historyTable)})
      ), added as (
        insert into ${schema}.ledger_event (${namesOf(historyTable)}, topic_partition)
        select t.*, ${own} from told t
        on conflict (event_id) do nothing returning event_id
      )
      select e.event_id, e.record_offset, e.is_earlier, case when e.is_earlier or e.differs then e.event end as other
        from told t cross join lateral (
          select event_id, event, topic_partition, record_offset::text, event <> t.event as differs,
                 (t.at, ${own}, t.record_offset) < (at, topic_partition, record_offset) as is_earlier
            from ${schema}.ledger_event where event_id = t.event_id offset 0) e
       where t.event_id not in (select event_id from added)`,
    values: [...parameters, topicPartition],
  })
  return rows.map(knownFact)
}

interface KnownRow {
  readonly event_id: string
  readonly record_offset: string
  readonly is_earlier: boolean
  readonly other: StatusEvent | null
}

const knownFact = ({
  event_id: eventId,
  record_offset: offset,
  is_earlier: isEarlier,
  other,
}: KnownRow): KnownFact => ({
  ...{ eventId, isEarlier },
  other: other === null ? null : { event: other, offset },
})

/** The copies that the history has of these facts. */
export async function readFacts(
  client: Client,
  schema: string,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, PlacedEvent>> {
  const { rows } = await client.query<{ event_id: string; event: StatusEvent; record_offset: string }>(
    `select event_id, event, record_offset::text from ${schema}.ledger_event where event_id = any ($1::uuid[])`,
    [eventIds],
  )
  return new Map(rows.map(({ event_id, event, record_offset: offset }) => [event_id, { event, offset }]))
}

/** Puts copies that were told earlier in the place of those that the history has. */
export async function replaceFacts(
  client: Client,
  schema: string,
  topicPartition: number,
  facts: ReadonlyMap<string, PlacedEvent>,
): Promise<void> {
  await client.query(
    `update ${schema}.ledger_event e
        set at = t.at, run_id = t.run_id, partition_id = t.partition_id, event = t.event,
            topic_partition = $${historyTable.columns.length + 1}, record_offset = t.record_offset
       from ${rowsFrom(historyTable, 1)} as t (${namesOf(historyTable)}) where e.event_id = t.event_id`,
    [...historyParameters(facts), topicPartition],
  )
}
