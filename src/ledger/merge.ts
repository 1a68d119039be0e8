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
import { isOfHold } from './record/hold-record.ts'
import { type PartitionRecord, type PlacedPartitionEvent, partitionRecord } from './record/partition-record.ts'
import { mergedRun, type RunRecord, runRecord } from './record/run-record.ts'
import { mergedWorker, type WorkerRecord, workerKey, workerRecord } from './record/worker-record.ts'

/** Of a run, or of a worker's part in it: when its partitions were first and last spoken of. */
export interface Times {
  readonly runId: RunId
  /** Null: by anybody. */
  readonly worker: WorkerId | null
  firstEventAt: string
  lastEventAt: string
}
type TimesByRun = Map<RunId, Map<WorkerId | null, Times>>

/** What a set of events says, each map by the key of its table. */
export interface LedgerState {
  /** Of each fact, by event id, the copy that was told first. */
  readonly facts: ReadonlyMap<string, PlacedEvent>
  /** All other copies of a fact, if there are. */
  readonly copies: ReadonlyMap<string, readonly PlacedEvent[]>
  readonly partitions: ReadonlyMap<PartitionId, PartitionRecord>
  readonly times: ReadonlyMap<RunId, ReadonlyMap<WorkerId | null, Readonly<Times>>>
  readonly runs: ReadonlyMap<RunId, RunRecord>
  readonly answers: ReadonlyMap<string, AnswerRecord>
  readonly acknowledgements: ReadonlyMap<string, AcknowledgementRecord>
  readonly alerts: ReadonlyMap<string, AlertRecord>
  readonly workers: ReadonlyMap<string, WorkerRecord>
  /** Runs of which it says that they were archived. */
  readonly archived: ReadonlySet<RunId>
}

/**
 * Merges events in any order and any number of times into the same state: what is kept of two facts is the greater of
 * them in a fixed order. Times must be comparable as text: UTC with six digits of fraction (see `readEvent`).
 */
export function mergeEvents(events: readonly PlacedEvent[]): LedgerState {
  const merging: Merging = {
    ...{ facts: new Map(), copies: new Map(), partitions: new Map(), times: new Map() },
    ...{ runs: new Map(), answers: new Map(), acknowledgements: new Map(), alerts: new Map(), workers: new Map() },
    archived: new Set(),
  }
  const told = new Map<PartitionId, [PlacedPartitionEvent, ...PlacedPartitionEvent[]]>()
  for (const placed of events) {
    const { event, offset } = placed
    const eventId = eventIdOf(event)
    keepCopy(merging, eventId, placed)
    if (!isOfPartition(event)) {
      mergeFact(merging, eventId, event, offset)
      continue
    }
    mergeTimes(merging.times, event)
    const of = told.get(event.partitionId)
    if (of === undefined) told.set(event.partitionId, [{ event, offset }])
    else of.push({ event, offset })
  }
  for (const [partitionId, of] of told) merging.partitions.set(partitionId, partitionRecord(of))
  return merging
}

/** One of those that tell how far a partition is. */
export const isOfPartition = (event: StatusEvent): event is PartitionEvent => 'epoch' in event

type Merging = {
  [Key in Exclude<keyof LedgerState, 'times' | 'archived'>]: LedgerState[Key] extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : never
} & { readonly times: TimesByRun; readonly archived: Set<RunId> }

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

function mergeFact(
  { runs, answers, acknowledgements, alerts, workers, archived }: Merging,
  eventId: string,
  event: Exclude<StatusEvent, PartitionEvent>,
  offset: string,
): void {
  switch (event.type) {
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
    case 'run.archived':
      archived.add(event.runId)
      return
    case 'request.reported':
    case 'run.queued':
    case 'run.tuned':
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

function mergeTimes(times: TimesByRun, event: PartitionEvent): void {
  const { runId, worker, at } = event
  const ofRun = times.get(runId) ?? new Map<WorkerId | null, Times>()
  times.set(runId, ofRun)
  extendTimes(ofRun, runId, null, at)
  if (isOfHold(event)) extendTimes(ofRun, runId, worker, at)
}

function extendTimes(ofRun: Map<WorkerId | null, Times>, runId: RunId, worker: WorkerId | null, at: string): void {
  const known = ofRun.get(worker)
  if (known === undefined) ofRun.set(worker, { runId, worker, firstEventAt: at, lastEventAt: at })
  else if (at > known.lastEventAt) known.lastEventAt = at
  else if (at < known.firstEventAt) known.firstEventAt = at
}

/** What an event is about, for the history's columns: of a partition are facts that have its id in their own. */
export function subjectOf(event: StatusEvent): {
  readonly runId: RunId | null
  readonly partitionId: PartitionId | null
} {
  const about = 'about' in event ? event.about : event
  const partitionId = 'partitionId' in about && !('alertId' in event) ? about.partitionId : undefined
  return { runId: ('runId' in about ? about.runId : undefined) ?? null, partitionId: partitionId ?? null }
}
