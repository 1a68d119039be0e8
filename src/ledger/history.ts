import type { StatusEvent } from '../contract/status.ts'
import { copyIn } from '../postgres/copy-in.ts'
import { CopyRows } from '../postgres/copy-rows.ts'
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
  readonly topicPartition: number
}

const eventId = key('event_id', 'uuid', (fact: Fact) => fact.eventId)
const partitionId = column('partition_id', 'uuid', ({ subject }: Fact) => subject.partitionId)

/** The history: every fact once. */
const historyTable: Table<Fact> = {
  name: 'ledger_event',
  columns: [
    eventId,
    column('type', 'text', ({ placed }) => placed.event.type),
    column('at', 'timestamptz', ({ placed }) => placed.event.at),
    column('run_id', 'uuid', ({ subject }) => subject.runId),
    partitionId,
    column('event', 'json', ({ placed }) => JSON.stringify(placed.event)),
    column('topic_partition', 'bigint', ({ topicPartition }) => topicPartition),
    column('record_offset', 'bigint', ({ placed }) => placed.offset),
  ],
}

/** What finds a fact. */
const keyTable: Table<Fact> = { name: historyTable.name, columns: [eventId, partitionId] }

/** Facts that are found by one index; its statements by the schema. */
interface Kind {
  isOf(this: void, fact: Fact): boolean
  /** Between a row `t` of the statement and a row `e` of the history. */
  readonly sameFact: string
  /** Those of some keys that are there. */
  known(this: void, schema: string): string
  /** How the copies that are there differ. */
  compare(this: void, schema: string): string
}

// `offset 0`: each is looked up by its index, whatever the server believes of the table's size.
const kind = (isOf: Kind['isOf'], sameFact: string): Kind => ({
  isOf,
  sameFact,
  known: bySchema(
    (schema) =>
      `select t.event_id from ${rowsFrom(keyTable, 1)} as t (${namesOf(keyTable)})
        cross join lateral (select from ${schema}.ledger_event e where ${sameFact} offset 0) e`,
  ),
  compare: bySchema(
    (schema) =>
      `select e.event_id, e.place, e.is_earlier, case when e.is_earlier or e.differs then e.event end as other
         from ${rowsFrom(historyTable, 1)} as t (${namesOf(historyTable)})
        cross join lateral (
          select e.event_id, e.event, e.record_offset::text as place, e.event::text <> t.event::text as differs,
                 (t.at, t.topic_partition, t.record_offset) < (e.at, e.topic_partition, e.record_offset) as is_earlier
            from ${schema}.ledger_event e where ${sameFact} offset 0) e`,
  ),
})

/** Facts of a partition stand together in their index, however many there are of others. */
const kinds: Readonly<Record<string, Kind>> = {
  ofPartitions: kind(
    ({ subject }) => subject.partitionId !== null,
    'e.partition_id = t.partition_id and e.event_id = t.event_id',
  ),
  ofNone: kind(({ subject }) => subject.partitionId === null, 'e.partition_id is null and e.event_id = t.event_id'),
}

/** Facts of a batch as the history takes them. */
export interface HistoryRows {
  readonly facts: readonly Fact[]
  readonly rows: CopyRows
}

/** Throws RowError for a fact that Postgres cannot hold. */
export function historyRows(facts: ReadonlyMap<string, PlacedEvent>, topicPartition: number): HistoryRows {
  const all = factsOf(facts, topicPartition)
  return { facts: all, rows: new CopyRows(historyTable.columns, all) }
}

const factsOf = (facts: ReadonlyMap<string, PlacedEvent>, topicPartition: number): Fact[] =>
  [...facts].map(([id, placed]) => ({ eventId: id, placed, subject: subjectOf(placed.event), topicPartition }))

/**
 * Adds facts that are new, and returns those that are not. The history is searched for all but those that are known to be
 * new; what is wrongly taken to be new is a unique violation. Nobody else adds facts of the topic partition meanwhile.
 */
export async function addFacts(
  client: Client,
  schema: string,
  { facts, rows }: HistoryRows,
  isNew: (event: StatusEvent) => boolean,
): Promise<readonly KnownFact[]> {
  const doubtful = facts.filter(({ placed }) => !isNew(placed.event))
  const found = await ofEachKind<{ event_id: string }>(doubtful, (some, { known }, name) =>
    client.query({
      name: statementName(`known ${name}`, schema),
      text: known(schema),
      values: parametersOf(keyTable, some),
    }),
  )
  const ids = new Set(found.map((row) => row.event_id))
  const fresh = rows.only((place) => !ids.has(facts[place]?.eventId ?? ''))
  if (fresh.rows > 0) await copyIn(client, copyStatement(schema), fresh)
  const told = doubtful.filter((fact) => ids.has(fact.eventId))
  const compared = await ofEachKind<KnownRow>(told, (some, { compare }, name) =>
    client.query({
      name: statementName(`compare ${name}`, schema),
      text: compare(schema),
      values: parametersOf(historyTable, some),
    }),
  )
  return compared.map(knownFact)
}

/** The rows that are found for facts of each kind, one after the other: they share a connection. */
async function ofEachKind<Row>(
  facts: readonly Fact[],
  ask: (some: readonly Fact[], kind: Kind, name: string) => Promise<{ readonly rows: readonly Row[] }>,
): Promise<readonly Row[]> {
  const found: Row[] = []
  for (const [name, of] of Object.entries(kinds)) {
    const some = facts.filter(of.isOf)
    if (some.length > 0) found.push(...(await ask(some, of, name)).rows)
  }
  return found
}

const copyStatement = bySchema(
  (schema) => `copy ${schema}.ledger_event (${namesOf(historyTable)}) from stdin (format binary)`,
)

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
  facts: ReadonlyMap<string, PlacedEvent>,
): Promise<ReadonlyMap<string, PlacedEvent>> {
  const rows = await ofEachKind<{ event_id: string; event: StatusEvent; record_offset: string }>(
    factsOf(facts, 0),
    (some, { sameFact }) =>
      client.query(
        `select e.event_id, e.event, e.record_offset::text
           from ${rowsFrom(keyTable, 1)} as t (${namesOf(keyTable)}) join ${schema}.ledger_event e on ${sameFact}`,
        parametersOf(keyTable, some),
      ),
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
  await ofEachKind(factsOf(facts, topicPartition), (some, { sameFact }) =>
    client.query(
      `update ${schema}.ledger_event e
          set at = t.at, run_id = t.run_id, event = t.event, topic_partition = t.topic_partition,
              record_offset = t.record_offset
         from ${rowsFrom(historyTable, 1)} as t (${namesOf(historyTable)}) where ${sameFact}`,
      parametersOf(historyTable, some),
    ),
  )
}
