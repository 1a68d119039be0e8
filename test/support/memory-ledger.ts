import { isDeepStrictEqual } from 'node:util'
import { doubtedCopies, versionsOf } from '../../src/ledger/contradictions.ts'
import { addedBy, type KnownFact } from '../../src/ledger/known-fact.ts'
import { mergeEvents } from '../../src/ledger/merge.ts'
import { changesOf, type StoredPartition } from '../../src/ledger/partition-changes.ts'
import { compareTold, type PlacedEvent, toldOf } from '../../src/ledger/placed-event.ts'
import { laterAcknowledgement } from '../../src/ledger/record/acknowledgement-record.ts'
import { mergedAlert } from '../../src/ledger/record/alert-record.ts'
import { laterAnswer } from '../../src/ledger/record/answer-record.ts'
import { type HoldRecord, holdKey } from '../../src/ledger/record/hold-record.ts'
import { mergedRun } from '../../src/ledger/record/run-record.ts'
import { mergedWorker } from '../../src/ledger/record/worker-record.ts'

type Sums = Record<string, bigint | string | undefined>

/** The ledger's tables, each by its key; sums as they were added up. */
export interface MemoryTables {
  readonly facts: Map<string, PlacedEvent>
  readonly versions: Map<string, PlacedEvent>
  readonly partitions: Map<string, StoredPartition>
  readonly holds: Map<string, HoldRecord>
  readonly runSums: Map<string, Sums>
  readonly shares: Map<string, Sums>
  readonly rest: Map<string, unknown>
}

/** Records batches in memory, step by step as record-events.ts has Postgres do it. */
export function memoryLedger(): { readonly tables: MemoryTables; record(batch: readonly PlacedEvent[]): void } {
  const tables: MemoryTables = {
    ...{ facts: new Map(), versions: new Map(), partitions: new Map(), holds: new Map() },
    ...{ runSums: new Map(), shares: new Map(), rest: new Map() },
  }
  const { facts, partitions, holds, rest } = tables
  return {
    tables,
    record: (events) => {
      const batch = mergeEvents(events)
      const known = addFacts(facts, batch.facts)
      const doubted = doubtedCopies(batch, known)
      for (const [eventId, copies] of doubted) copies.push(...[facts.get(eventId)].filter((copy) => copy !== undefined))
      for (const { eventId, isEarlier } of known) {
        const copy = batch.facts.get(eventId)
        if (isEarlier && copy !== undefined) facts.set(eventId, copy)
      }
      recordVersions(tables.versions, doubted)
      const held = Map.groupBy(holds.values(), ({ partitionId }) => partitionId)
      const changes = changesOf(batch, { partitions, holds: held }, addedBy(batch, known))
      for (const partition of changes.partitions) partitions.set(partition.partitionId, partition)
      for (const hold of changes.holds) holds.set(holdKey(hold), hold)
      for (const { runId, states, rows, timings, times, claims, republished } of changes.runs)
        addSums(tables.runSums, runId, { ...states, ...rows, ...timings, claims, republished }, times)
      for (const { runId, worker, partitions, claims, counts, times } of changes.shares)
        addSums(tables.shares, `${runId}/${worker}`, { partitions, claims, ...counts }, times)
      mergeRest(rest, 'run', batch.runs, mergedRun)
      mergeRest(rest, 'answer', batch.answers, laterAnswer)
      mergeRest(rest, 'acknowledgement', batch.acknowledgements, laterAcknowledgement)
      mergeRest(rest, 'alert', batch.alerts, mergedAlert)
      mergeRest(rest, 'worker', batch.workers, mergedWorker)
    },
  }
}

function addFacts(facts: Map<string, PlacedEvent>, told: ReadonlyMap<string, PlacedEvent>): KnownFact[] {
  const known: KnownFact[] = []
  for (const [eventId, copy] of told) {
    const there = facts.get(eventId)
    if (there === undefined) facts.set(eventId, copy)
    else {
      const isEarlier = compareTold(toldOf(copy), toldOf(there)) < 0
      const isOther = isEarlier || !isDeepStrictEqual(copy.event, there.event)
      known.push({ eventId, isEarlier, other: isOther ? there : null })
    }
  }
  return known
}

function recordVersions(
  versions: Map<string, PlacedEvent>,
  doubted: ReadonlyMap<string, readonly PlacedEvent[]>,
): void {
  for (const [eventId, copies] of doubted) {
    const of = versionsOf(eventId, copies)
    if (of.length < 2 && ![...versions.keys()].some((key) => key.startsWith(eventId))) continue
    for (const { factHash, copy } of of) {
      const before = versions.get(`${eventId}/${factHash}`)
      if (before === undefined || compareTold(toldOf(copy), toldOf(before)) < 0)
        versions.set(`${eventId}/${factHash}`, copy)
    }
  }
}

function addSums(
  all: Map<string, Sums>,
  key: string,
  more: Readonly<Record<string, number | bigint>>,
  times: { readonly firstEventAt: string; readonly lastEventAt: string } | null,
): void {
  const sums = all.get(key) ?? {}
  for (const [name, value] of Object.entries(more)) sums[name] = BigInt(sums[name] ?? 0n) + BigInt(value)
  if (times !== null) {
    const [first, last] = [sums['firstEventAt'], sums['lastEventAt']]
    sums['firstEventAt'] = typeof first === 'string' && first < times.firstEventAt ? first : times.firstEventAt
    sums['lastEventAt'] = typeof last === 'string' && last > times.lastEventAt ? last : times.lastEventAt
  }
  all.set(key, sums)
}

function mergeRest<Item>(
  rest: Map<string, unknown>,
  table: string,
  told: ReadonlyMap<string, Item>,
  merged: (a: Item | undefined, b: Item) => Item,
): void {
  for (const [key, item] of told)
    rest.set(`${table}/${key}`, merged(rest.get(`${table}/${key}`) as Item | undefined, item))
}
