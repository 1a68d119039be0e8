import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { PartitionEvent, StatusEvent } from '../contract/status.ts'
import { eventIdOf } from '../status/event-id.ts'
import { compareTold, type PlacedEvent, toldOf } from './placed-event.ts'
import {
  type AcknowledgementRecord,
  acknowledgementRecord,
  laterAcknowledgement,
} from './record/acknowledgement-record.ts'
import { type AlertRecord, alertRecord, mergedAlert } from './record/alert-record.ts'
import { type AnswerRecord, laterAnswer } from './record/answer-record.ts'
import { type HoldRecord, holdKey, holdRecord, isOfHold, mergedHold } from './record/hold-record.ts'
import { laterPartition, type PartitionRecord, partitionRecord } from './record/partition-record.ts'
import { mergedRun, type RunRecord, runRecord } from './record/run-record.ts'
import { mergedWorker, type WorkerRecord, workerKey, workerRecord } from './record/worker-record.ts'

/** Of a run, or of a worker's part in it: when its partitions were first and last spoken of. */
export interface Times {
  readonly runId: RunId
  /** Null: by anybody. */
  readonly worker: WorkerId | null
  readonly firstEventAt: string
  readonly lastEventAt: string
}

/** What a set of events says, each map by the key of its table. */
export interface LedgerState {
  /** Of each fact, by event id, the copy that was told first. */
  readonly facts: ReadonlyMap<string, PlacedEvent>
  /** All other copies of a fact, if there are. */
  readonly copies: ReadonlyMap<string, readonly PlacedEvent[]>
  readonly partitions: ReadonlyMap<PartitionId, PartitionRecord>
  readonly holds: ReadonlyMap<string, HoldRecord>
  readonly times: ReadonlyMap<string, Times>
  readonly runs: ReadonlyMap<RunId, RunRecord>
  readonly answers: ReadonlyMap<string, AnswerRecord>
  readonly acknowledgements: ReadonlyMap<string, AcknowledgementRecord>
  readonly alerts: ReadonlyMap<string, AlertRecord>
  readonly workers: ReadonlyMap<string, WorkerRecord>
}

/**
 * Merges events in any order and any number of times into the same state: what is kept of two facts is the greater of
 * them in a fixed order. Times must be comparable as text: UTC with six digits of fraction (see `readEvent`).
 */
export function mergeEvents(events: readonly PlacedEvent[]): LedgerState {
  const merging: Merging = {
    ...{ facts: new Map(), copies: new Map(), partitions: new Map(), holds: new Map(), times: new Map() },
    ...{ runs: new Map(), answers: new Map(), acknowledgements: new Map(), alerts: new Map(), workers: new Map() },
  }
  for (const placed of events) {
    const eventId = eventIdOf(placed.event)
    keepCopy(merging, eventId, placed)
    mergeFact(merging, eventId, placed)
  }
  return merging
}

type Merging = {
  [Key in keyof LedgerState]: LedgerState[Key] extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never
}

function keepCopy({ facts, copies }: Merging, eventId: string, placed: PlacedEvent): void {
  const kept = facts.get(eventId)
  if (kept === undefined) {
    facts.set(eventId, placed)
    return
  }
  // The same record, read twice.
  if (kept.offset === placed.offset) return
  const isFirst = compareTold(toldOf(placed), toldOf(kept)) < 0
  if (isFirst) facts.set(eventId, placed)
  copies.set(eventId, [...(copies.get(eventId) ?? []), isFirst ? kept : placed])
}

function mergeFact(merging: Merging, eventId: string, { event, offset }: PlacedEvent): void {
  const { partitions, holds, runs, answers, acknowledgements, alerts, workers } = merging
  switch (event.type) {
    case 'partition.claimed':
    case 'partition.progressed':
    case 'partition.completed':
    case 'partition.failed':
    case 'partition.cancelled':
      mergeInto(partitions, event.partitionId, partitionRecord(event, offset), laterPartition)
      if (isOfHold(event)) mergeInto(holds, holdKey(event), holdRecord(event, offset), mergedHold)
      mergeTimes(merging.times, event)
      return
    case 'run.planned':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      mergeInto(runs, event.runId, runRecord(event, offset), mergedRun)
      return
    case 'request.accepted':
    case 'request.duplicate':
    case 'request.rejected':
      mergeInto(answers, eventId, { eventId, answer: event, offset }, laterAnswer)
      return
    case 'intent.acknowledged':
      mergeInto(acknowledgements, `${event.runId}/${event.worker}`, acknowledgementRecord(event), laterAcknowledgement)
      return
    case 'alert.raised':
    case 'alert.resolved':
      mergeInto(alerts, event.alertId, alertRecord(event, offset), mergedAlert)
      return
    case 'worker.started':
    case 'worker.alive':
    case 'worker.stopped':
    case 'worker.lost':
      mergeInto(workers, workerKey(event), workerRecord(event, offset), mergedWorker)
      return
    case 'request.reported':
    case 'run.queued':
    case 'run.tuned':
    case 'run.archived':
    case 'schedule.skipped':
    case 'partition.republished':
    case 'run.paused':
    case 'run.resumed':
    case 'run.cancelling':
    case 'partition.paused':
    case 'partition.resumed':
    case 'partition.cancelling':
    case 'repair.made':
      // History only: how far the partition is, its own events say, and what is wanted, the planner's tables.
      return
  }
}

function mergeInto<Key, Item>(
  into: Map<Key, Item>,
  key: Key,
  item: Item,
  merged: (a: Item | undefined, b: Item) => Item,
): void {
  into.set(key, merged(into.get(key), item))
}

function mergeTimes(times: Map<string, Times>, event: PartitionEvent): void {
  const { runId, worker, at } = event
  mergeInto(times, runId, { runId, worker: null, firstEventAt: at, lastEventAt: at }, laterTimes)
  if (isOfHold(event))
    mergeInto(times, `${runId}/${worker}`, { runId, worker, firstEventAt: at, lastEventAt: at }, laterTimes)
}

function laterTimes(a: Times | undefined, b: Times): Times {
  if (a === undefined) return b
  return {
    ...a,
    firstEventAt: a.firstEventAt < b.firstEventAt ? a.firstEventAt : b.firstEventAt,
    lastEventAt: a.lastEventAt > b.lastEventAt ? a.lastEventAt : b.lastEventAt,
  }
}

/** What an event is about, for the history's columns. */
export function subjectOf(event: StatusEvent): {
  readonly runId: RunId | null
  readonly partitionId: PartitionId | null
} {
  const about = 'about' in event ? event.about : event
  return {
    runId: ('runId' in about ? about.runId : undefined) ?? null,
    partitionId: ('partitionId' in about ? about.partitionId : undefined) ?? null,
  }
}
