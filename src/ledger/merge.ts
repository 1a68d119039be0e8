import type { Totals } from '../contract/certificate.ts'
import type { Intent } from '../contract/control.ts'
import type { BackfillId, PartitionId, RequestKey, RunId, Sha256, WorkerId } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import {
  type Acknowledgement,
  type PartitionEvent,
  partitionEventRank,
  type RequestAnswer,
  type RunEnd,
  type RunEvent,
  type StatusEvent,
} from '../contract/status.ts'
import { eventIdOf } from '../status/event-id.ts'

/** What the ledger knows of a partition: the newest fact, and when the first and the last one were told. */
export interface PartitionRecord {
  readonly partitionId: PartitionId
  readonly runId: RunId
  readonly backfill: BackfillId
  readonly index: number
  readonly epoch: number
  readonly sequence: number
  readonly rank: number
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled'
  readonly stateAt: string
  readonly cursor: string | null
  readonly totals: Totals
  readonly worker: WorkerId
  readonly topicPartition: number
  readonly reason: string | null
  readonly message: string | null
  readonly firstEventAt: string
  readonly lastEventAt: string
}

export interface RunRecord {
  readonly runId: RunId
  readonly backfill: BackfillId
  readonly planned: {
    readonly requestKey: RequestKey
    readonly definitionHash: Sha256
    readonly planHash: Sha256
    readonly partitions: number
    readonly range: KeyRange
    readonly estimatedRows: number | null
    readonly at: string
  } | null
  readonly ended: {
    readonly state: 'completed' | 'failed' | 'cancelled'
    readonly partitionsFailed: number
    readonly partitionsCancelled: number
    readonly totals: Totals
    readonly at: string
  } | null
}

/** The last time an answer was given. */
export interface AnswerRecord {
  readonly eventId: string
  readonly answer: RequestAnswer
}

/** The newest intent of a run that a worker obeys, and when it first said so. */
export interface AcknowledgementRecord {
  readonly runId: RunId
  readonly worker: WorkerId
  readonly sequence: number
  readonly intent: Intent
  readonly atStart: boolean
  readonly at: string
}

/** Everything the ledger keeps beside the history itself. */
export interface LedgerState {
  readonly partitions: ReadonlyMap<PartitionId, PartitionRecord>
  readonly runs: ReadonlyMap<RunId, RunRecord>
  readonly answers: ReadonlyMap<string, AnswerRecord>
  /** One a run and worker. */
  readonly acknowledgements: ReadonlyMap<string, AcknowledgementRecord>
}

/**
 * Merges events in any order and any number of times into the same state: what is kept of two facts is the greater of
 * them in a fixed order. Times must be comparable as text: UTC with six digits of fraction (see `readEvent`). The SQL
 * of record-events.ts merges such states by the same rules.
 */
export function mergeEvents(events: readonly StatusEvent[]): LedgerState {
  const partitions = new Map<PartitionId, PartitionRecord>()
  const runs = new Map<RunId, RunRecord>()
  const answers = new Map<string, AnswerRecord>()
  const acknowledgements = new Map<string, AcknowledgementRecord>()
  for (const event of events)
    switch (event.type) {
      case 'partition.claimed':
      case 'partition.progressed':
      case 'partition.completed':
      case 'partition.failed':
      case 'partition.cancelled':
        partitions.set(event.partitionId, laterPartition(partitions.get(event.partitionId), partitionRecord(event)))
        break
      case 'run.planned':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        runs.set(event.runId, mergedRun(runs.get(event.runId), runRecord(event)))
        break
      case 'request.accepted':
      case 'request.duplicate':
      case 'request.rejected': {
        const eventId = eventIdOf(event)
        const before = answers.get(eventId)
        if (before === undefined || before.answer.at < event.at) answers.set(eventId, { eventId, answer: event })
        break
      }
      case 'intent.acknowledged': {
        const key = `${event.runId}/${event.worker}`
        acknowledgements.set(key, laterAcknowledgement(acknowledgements.get(key), acknowledgementRecord(event)))
        break
      }
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
      case 'alert.raised':
      case 'alert.resolved':
      case 'repair.made':
      case 'worker.started':
      case 'worker.alive':
      case 'worker.stopped':
      case 'worker.lost':
        // History only: how far the partition is, its own events say, and what is wanted, the planner's tables.
        break
    }
  return { partitions, runs, answers, acknowledgements }
}

const stateAfter = {
  'partition.claimed': 'running',
  'partition.progressed': 'running',
  'partition.completed': 'completed',
  'partition.failed': 'failed',
  'partition.cancelled': 'cancelled',
} as const satisfies Record<PartitionEvent['type'], PartitionRecord['state']>

function partitionRecord(event: PartitionEvent): PartitionRecord {
  const { partitionId, runId, backfill, index, epoch, sequence, cursor, totals, worker, topicPartition, at } = event
  const failure = event.type === 'partition.failed' ? event : { reason: null, message: null }
  return {
    ...{ partitionId, runId, backfill, index, epoch, sequence, cursor, totals, worker, topicPartition },
    rank: partitionEventRank[event.type],
    state: stateAfter[event.type],
    reason: failure.reason,
    message: failure.message,
    stateAt: at,
    firstEventAt: at,
    lastEventAt: at,
  }
}

function laterPartition(a: PartitionRecord | undefined, b: PartitionRecord): PartitionRecord {
  if (a === undefined) return b
  const winner = comparePartitions(a, b) < 0 ? b : a
  return {
    ...winner,
    firstEventAt: a.firstEventAt < b.firstEventAt ? a.firstEventAt : b.firstEventAt,
    lastEventAt: a.lastEventAt > b.lastEventAt ? a.lastEventAt : b.lastEventAt,
  }
}

/** Positive when `a` stays. A fact told twice is the earlier one's. */
function comparePartitions(a: PartitionRecord, b: PartitionRecord): number {
  return (
    a.epoch - b.epoch ||
    a.sequence - b.sequence ||
    a.rank - b.rank ||
    compareText(a.state, b.state) ||
    compareText(b.stateAt, a.stateAt) ||
    compareText(b.worker, a.worker) ||
    b.topicPartition - a.topicPartition
  )
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function runRecord(event: RunEvent): RunRecord {
  const { runId, backfill, at } = event
  if (event.type === 'run.planned') {
    const { requestKey, definitionHash, planHash, partitions, range, estimatedRows } = event
    return {
      runId,
      backfill,
      planned: { requestKey, definitionHash, planHash, partitions, range, estimatedRows, at },
      ended: null,
    }
  }
  const { partitionsFailed, partitionsCancelled, totals } = event
  const state = endState[event.type]
  return { runId, backfill, planned: null, ended: { state, partitionsFailed, partitionsCancelled, totals, at } }
}

const endState = {
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
} as const satisfies Record<RunEnd['type'], string>

function mergedRun(a: RunRecord | undefined, b: RunRecord): RunRecord {
  if (a === undefined) return b
  return { ...a, planned: firstTold(a.planned, b.planned), ended: earlierEnd(a.ended, b.ended) }
}

const firstTold = <Told extends { at: string }>(a: Told | null, b: Told | null): Told | null =>
  a === null || (b !== null && b.at < a.at) ? b : a

/** A run ends once; should two ends ever be told, failure is the one a person must see (and the last by name). */
function earlierEnd(a: RunRecord['ended'], b: RunRecord['ended']): RunRecord['ended'] {
  if (a === null || b === null || a.state === b.state) return firstTold(a, b)
  return compareText(a.state, b.state) > 0 ? a : b
}

function acknowledgementRecord(event: Acknowledgement): AcknowledgementRecord {
  const { runId, worker, sequence, intent, atStart, at } = event
  return { runId, worker, sequence, intent, atStart, at }
}

/** The higher sequence; of one sequence, what was told first. */
function laterAcknowledgement(a: AcknowledgementRecord | undefined, b: AcknowledgementRecord): AcknowledgementRecord {
  if (a === undefined) return b
  const order =
    a.sequence - b.sequence ||
    compareText(b.at, a.at) ||
    Number(b.atStart) - Number(a.atStart) ||
    compareText(b.intent, a.intent)
  return order < 0 ? b : a
}
