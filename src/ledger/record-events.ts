import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, withTransaction } from '../postgres/pool.ts'
import { recordAcknowledgements } from './acknowledgement-table.ts'
import { recordAlerts } from './alert-table.ts'
import { recordAnswers } from './answer-table.ts'
import { doubtedCopies } from './contradictions.ts'
import { addFacts, historyParameters, readFacts, replaceFacts } from './history.ts'
import { addedBy, type KnownFact } from './known-fact.ts'
import { type LedgerState, mergeEvents } from './merge.ts'
import { changesOf } from './partition-changes.ts'
import type { PlacedEvent } from './placed-event.ts'
import { recordContradictions } from './record-contradictions.ts'
import { recordRuns } from './run-table.ts'
import { readPartitions, writeChanges } from './stored-partitions.ts'
import { holdTopicPartition, moveOffset, type ReadUpTo } from './topic-partition.ts'
import { recordWorkers } from './worker-table.ts'

/**
 * Records events and moves the offset in one transaction: both or neither, and the same events again change nothing.
 * Nobody else records events of the topic partition meanwhile, so what is read of its partitions is still so when it is
 * written. Rejects with Postgres's own error, or RowError, when an event holds what Postgres cannot store.
 */
export async function recordEvents(
  pool: Pool,
  schema: string,
  events: readonly PlacedEvent[],
  upTo: ReadUpTo,
): Promise<void> {
  const quoted = quoteIdentifier(schema)
  const batch = mergeEvents(events)
  const facts = historyParameters(batch.facts)
  await withTransaction(pool, async (client) => {
    await holdTopicPartition(client, schema, upTo)
    if (events.length > 0) await record(client, quoted, upTo.topicPartition, batch, facts)
    await moveOffset(client, quoted, upTo)
  })
}

async function record(
  client: Client,
  schema: string,
  topicPartition: number,
  batch: LedgerState,
  facts: readonly Buffer[],
): Promise<void> {
  const known = await addFacts(client, schema, topicPartition, facts)
  await keepFirstCopies(client, schema, topicPartition, batch, known)
  const added = addedBy(batch, known)
  if (batch.partitions.size > 0 || added.republished.size > 0) {
    const stored = await readPartitions(client, schema, [...batch.partitions.keys()])
    await writeChanges(client, schema, topicPartition, changesOf(batch, stored, added))
  }
  const { runs, answers, acknowledgements, alerts, workers } = batch
  if (runs.size > 0) await recordRuns(client, schema, [...runs.values()])
  if (answers.size > 0) await recordAnswers(client, schema, [...answers.values()])
  if (acknowledgements.size > 0) await recordAcknowledgements(client, schema, [...acknowledgements.values()])
  if (alerts.size > 0) await recordAlerts(client, schema, [...alerts.values()])
  if (workers.size > 0) await recordWorkers(client, schema, [...workers.values()])
}

/** Of every fact the history keeps the copy that was told first; what contradicts it is noted. */
async function keepFirstCopies(
  client: Client,
  schema: string,
  topicPartition: number,
  batch: LedgerState,
  known: readonly KnownFact[],
): Promise<void> {
  const earlier = known.filter(({ isEarlier }) => isEarlier).map(({ eventId }) => eventId)
  const doubted = doubtedCopies(batch, known)
  // Before it is replaced: the copy that was first until now may be the only one of its version.
  const kept = doubted.size === 0 ? undefined : await readFacts(client, schema, [...doubted.keys()])
  if (earlier.length > 0) await replaceFacts(client, schema, topicPartition, chosen(batch.facts, earlier))
  if (kept === undefined) return
  for (const [eventId, copies] of doubted) {
    const copy = kept.get(eventId)
    if (copy !== undefined) copies.push(copy)
  }
  await recordContradictions(client, schema, topicPartition, doubted)
}

function chosen<Item>(items: ReadonlyMap<string, Item>, keys: readonly string[]): ReadonlyMap<string, Item> {
  const wanted = new Set(keys)
  return new Map([...items].filter(([key]) => wanted.has(key)))
}
