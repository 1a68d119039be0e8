import type { StatusEvent } from '../contract/status.ts'
import type { Client } from '../postgres/pool.ts'
import type { KnownFact } from './known-fact.ts'
import { subjectOf } from './merge.ts'
import type { PlacedEvent } from './placed-event.ts'
import { bySchema, column, key, namesOf, parametersOf, rowsFrom, statementName, type Table } from './table.ts'

/** A fact, and the copy of it that was told first. */
interface Fact {
  readonly eventId: string
  readonly placed: PlacedEvent
  readonly subject: ReturnType<typeof subjectOf>
}

/** The history: every fact once. */
const historyTable: Table<Fact> = {
  name: 'ledger_event',
  columns: [
    key('event_id', 'uuid', ({ eventId }) => eventId),
    column('type', 'text', ({ placed }) => placed.event.type),
    column('at', 'timestamptz', ({ placed }) => placed.event.at),
    column('run_id', 'uuid', ({ subject }) => subject.runId),
    column('partition_id', 'uuid', ({ subject }) => subject.partitionId),
    column('event', 'jsonb', ({ placed }) => JSON.stringify(placed.event)),
    column('record_offset', 'bigint', ({ placed }) => placed.offset),
  ],
}

/** The parameters of the facts of a batch. Throws RowError for one that Postgres cannot hold. */
export const historyParameters = (facts: ReadonlyMap<string, PlacedEvent>): readonly Buffer[] =>
  parametersOf(historyTable, factsOf(facts))

const factsOf = (facts: ReadonlyMap<string, PlacedEvent>): Fact[] =>
  [...facts].map(([eventId, placed]) => ({ eventId, placed, subject: subjectOf(placed.event) }))

/**
 * Adds facts that are new, and returns those that are not. Nobody else adds facts of the topic partition meanwhile; should
 * a fact stand in two of them, the slower writer is told so by a unique violation, and does it again.
 */
export async function addFacts(
  client: Client,
  schema: string,
  topicPartition: number,
  parameters: readonly Buffer[],
): Promise<readonly KnownFact[]> {
  const { rows } = await client.query<KnownRow>({
    name: statementName('add facts', schema),
    text: addStatement(schema),
    values: [...parameters, topicPartition],
  })
  return rows.map(knownFact)
}

const addStatement = bySchema((schema) => {
  const own = `$${historyTable.columns.length + 1}::bigint`
  return `
    with told as (
      select * from ${rowsFrom(historyTable, 1)} as t (${namesOf(historyTable)})
    ), known as materialized (
      select e.* from told t cross join lateral (
        select event_id, event, record_offset::text as place, event <> t.event as differs,
               (t.at, ${own}, t.record_offset) < (at, topic_partition, record_offset) as is_earlier
          from ${schema}.ledger_event where event_id = t.event_id offset 0) e
    ), added as (
      insert into ${schema}.ledger_event (${namesOf(historyTable)}, topic_partition)
      select t.*, ${own} from told t where t.event_id not in (select event_id from known)
    )
    select event_id, place, is_earlier, case when is_earlier or differs then event end as other from known`
})

interface KnownRow {
  readonly event_id: string
  readonly place: string
  readonly is_earlier: boolean
  readonly other: StatusEvent | null
}

const knownFact = ({ event_id: eventId, place: offset, is_earlier: isEarlier, other }: KnownRow): KnownFact => ({
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
