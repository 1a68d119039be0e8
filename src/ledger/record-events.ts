import type { PartitionId, RunId } from '../contract/ids.ts'
import type { StatusEvent } from '../contract/status.ts'
import { codeOf } from '../postgres/classify.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, withTransaction } from '../postgres/pool.ts'
import { recordAcknowledgements } from './acknowledgement-table.ts'
import { recordAlerts } from './alert-table.ts'
import { recordAnswers } from './answer-table.ts'
import { recordArchived } from './archive-table.ts'
import { doubtedCopies } from './contradictions.ts'
import { addFacts, type HistoryRows, historyRows, readFacts, replaceFacts } from './history.ts'
import { addedBy, type KnownFact } from './known-fact.ts'
import { isOfPartition, type LedgerState, mergeEvents } from './merge.ts'
import { unpackFacts } from './packed-facts.ts'
import { changesOf } from './partition-changes.ts'
import type { PlacedEvent } from './placed-event.ts'
import { isAhead, type PartitionRecord } from './record/partition-record.ts'
import { recordContradictions } from './record-contradictions.ts'
import { recordRuns } from './run-table.ts'
import { readPartitions, type StoredPartitions, writeChanges } from './stored-partitions.ts'
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
  const facts = historyRows(batch.facts, upTo.topicPartition)
  const write = (looksUpAll: boolean): Promise<void> => {
    const act = async (client: Client): Promise<void> => {
      if (events.length > 0) await record(client, quoted, upTo.topicPartition, batch, facts, looksUpAll)
      await moveOffset(client, quoted, upTo)
    }
    return withTransaction(pool, act, undefined, holdTopicPartition(schema, upTo))
  }
  try {
    await write(false)
  } catch (error) {
    if (codeOf(error) !== uniqueViolation) throw error
    // The history has what the record of its partition does not tell of: somebody has changed one of them.
    await write(true)
  }
}

const uniqueViolation = '23505'

async function record(
  client: Client,
  schema: string,
  topicPartition: number,
  batch: LedgerState,
  facts: HistoryRows,
  looksUpAll: boolean,
): Promise<void> {
  const ids = [...batch.partitions.keys()]
  const { partitions: stored, packed } = ids.length === 0 ? nothing : await readPartitions(client, schema, ids)
  if (packed.length > 0) await unpackFacts(client, schema, ...keysOf(packed))
  const known = await addFacts(client, schema, facts, (event) => !looksUpAll && isBeyond(event, stored))
  await keepFirstCopies(client, schema, topicPartition, batch, known)
  const added = addedBy(batch, known)
  if (batch.partitions.size > 0 || added.republished.size > 0) {
    await writeChanges(client, schema, topicPartition, changesOf(batch, stored, added))
  }
  const { runs, answers, acknowledgements, alerts, workers, archived } = batch
  if (runs.size > 0) await recordRuns(client, schema, [...runs.values()])
  if (answers.size > 0) await recordAnswers(client, schema, [...answers.values()])
  if (acknowledgements.size > 0) await recordAcknowledgements(client, schema, [...acknowledgements.values()])
  if (alerts.size > 0) await recordAlerts(client, schema, [...alerts.values()])
  if (workers.size > 0) await recordWorkers(client, schema, [...workers.values()])
  if (archived.size > 0) await recordArchived(client, schema, [...archived])
}

const nothing: StoredPartitions = { partitions: new Map(), packed: [] }

const keysOf = (packed: readonly PartitionRecord[]): [PartitionId[], RunId[]] => [
  packed.map(({ partitionId }) => partitionId),
  [...new Set(packed.map(({ runId }) => runId))],
]

/** Of a partition's facts the history has none that is ahead of the record of the partition: such a one is new to it. */
function isBeyond(event: StatusEvent, stored: ReadonlyMap<PartitionId, PartitionRecord>): boolean {
  if (!isOfPartition(event)) return false
  const record = stored.get(event.partitionId)
  return record === undefined || isAhead(event, record)
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
  const kept = doubted.size === 0 ? undefined : await readFacts(client, schema, chosen(batch.facts, doubted.keys()))
  if (earlier.length > 0) await replaceFacts(client, schema, topicPartition, chosen(batch.facts, earlier))
  if (kept === undefined) return
  for (const [eventId, copies] of doubted) {
    const copy = kept.get(eventId)
    if (copy !== undefined) copies.push(copy)
  }
  await recordContradictions(client, schema, topicPartition, doubted)
}

function chosen<Item>(items: ReadonlyMap<string, Item>, keys: Iterable<string>): ReadonlyMap<string, Item> {
  const wanted = new Set(keys)
  return new Map([...items].filter(([key]) => wanted.has(key)))
}
