import { z } from 'zod'
import { About, AlertKind, AlertSeverity, RepairKind } from './alert.ts'
import { Count, Totals } from './certificate.ts'
import { Intent } from './control.ts'
import { BackfillId, PartitionId, RequestKey, RunId, Sha256, WorkerId } from './ids.ts'
import { Instant } from './instant.ts'
import { PlanReport } from './plan-report.ts'
import { Cursor, KeyRange } from './range.ts'
import { RunState } from './states.ts'

/**
 * One fact, told once (and harmlessly again). Readers drop fields they do not know. The identity of a partition event
 * is (partitionId, epoch, sequence, type), of a run event (runId, type), of an intent and a tuning also its sequence, of
 * an acknowledgement (runId, sequence, worker), of an answer (requestKey, requestHash, type), of a reported plan also its
 * id and time, of due times that were skipped (backfill, from, to), of an alert its id and type, of a repair what it is about
 * and its time, of a worker's own (worker, instance, sequence, type).
 */
const fact = { version: z.literal(1), at: Instant }

const answer = {
  ...fact,
  /** Null when the message was so broken that it had none. */
  requestKey: RequestKey.nullable(),
  /** Hash of the request's canonical JSON, or of its bytes when they were no JSON. */
  requestHash: Sha256,
}

export const RequestAccepted = z.object({ ...answer, type: z.literal('request.accepted'), runId: RunId })
export const RequestDuplicate = z.object({ ...answer, type: z.literal('request.duplicate'), runId: RunId })
export const RequestRejected = z.object({
  ...answer,
  type: z.literal('request.rejected'),
  /** Every reason found, each naming the field, the value and what would be right. */
  reasons: z.array(z.string()).min(1),
})

/** The answer to a dry run: what a start request would do now. Told anew each time it is asked for. */
export const RequestReported = z.object({
  ...answer,
  type: z.literal('request.reported'),
  /** With the largest partitions, without a forecast. */
  report: PlanReport,
})

const ofRun = { ...fact, runId: RunId, backfill: BackfillId }

/** Accepted, and not begun: other runs are, as many as may be, or one on its target. */
export const RunQueued = z.object({
  ...ofRun,
  type: z.literal('run.queued'),
  /** From 1, when it was accepted. */
  position: Count,
  waitsFor: z.enum(['target', 'room']),
})

export const RunPlanned = z.object({
  ...ofRun,
  type: z.literal('run.planned'),
  requestKey: RequestKey,
  definitionHash: Sha256,
  planHash: Sha256,
  partitions: Count,
  /** The pinned domain as a whole. */
  range: KeyRange,
  /** Rows in the pinned domain, when the source knows. */
  estimatedRows: Count.nullable(),
})
export const RunEnded = z.object({
  ...ofRun,
  type: z.enum(['run.completed', 'run.failed', 'run.cancelled']),
  state: RunState,
  partitions: Count,
  partitionsFailed: Count,
  /** Cancelled with the run or one by one, those that were never planned or claimed included. */
  partitionsCancelled: Count,
  totals: Totals,
  /** Why none of it was ever worked on: it could not be planned. */
  reason: z.string().optional(),
})

const intended = {
  /** Sequence of the control message that carries the intent. */
  sequence: Count,
  requestKey: RequestKey,
  requestedBy: z.string().nullable(),
  reason: z.string().nullable(),
}

/** An intent was accepted and written down; workers obey it between chunks. `run.cancelled` is told when all have. */
export const RunIntended = z.object({
  ...ofRun,
  ...intended,
  type: z.enum(['run.paused', 'run.resumed', 'run.cancelling']),
})
export const PartitionIntended = z.object({
  ...ofRun,
  ...intended,
  type: z.enum(['partition.paused', 'partition.resumed', 'partition.cancelling']),
  partitionId: PartitionId,
  index: Count,
})
const Changed = z.object({
  /** Of chunkRows, maxConcurrentPartitions and rowsPerSecond, null: what the definition says. */
  from: z.number().nullable(),
  to: z.number().nullable(),
})

/** Limits of a live run were changed and written down; workers obey them from their next chunk on. */
export const RunTuned = z.object({
  ...ofRun,
  ...intended,
  type: z.literal('run.tuned'),
  /** What is another one now. */
  changes: z.object({
    chunkRows: Changed.optional(),
    maxConcurrentPartitions: Changed.optional(),
    rowsPerSecond: Changed.optional(),
    priority: Changed.optional(),
    weight: Changed.optional(),
  }),
})
/** A run that has ended was put away: lists leave it out. */
export const RunArchived = z.object({
  ...ofRun,
  type: z.literal('run.archived'),
  requestKey: RequestKey,
  requestedBy: z.string().nullable(),
  reason: z.string().nullable(),
})
/**
 * This worker works on nothing any more that the intent of this sequence, or of one before, does not want; every chunk
 * that it begins from now on is within the settings of this sequence.
 */
export const IntentAcknowledged = z.object({
  ...ofRun,
  type: z.literal('intent.acknowledged'),
  sequence: Count,
  /** Of the run as a whole. */
  intent: Intent,
  worker: WorkerId,
  /** It found the intent when it started: the time says nothing about how fast it was obeyed. */
  atStart: z.boolean(),
})

const ofPartition = {
  ...ofRun,
  partitionId: PartitionId,
  index: Count,
  epoch: Count,
  sequence: Count,
  cursor: Cursor.nullable(),
  totals: Totals,
  worker: WorkerId,
  /** Topic partition of the task topic the task was read from. */
  topicPartition: Count,
}

export const PartitionClaimed = z.object({ ...ofPartition, type: z.literal('partition.claimed'), range: KeyRange })
/** Milliseconds spent on the chunk, stage by stage. */
export const StageTimings = z.object({ readMs: z.number(), transformMs: z.number(), writeMs: z.number() })
export type StageTimings = z.infer<typeof StageTimings>
export const PartitionProgressed = z.object({
  ...ofPartition,
  type: z.literal('partition.progressed'),
  timings: StageTimings,
})
export const PartitionCompleted = z.object({ ...ofPartition, type: z.literal('partition.completed') })
export const PartitionFailed = z.object({
  ...ofPartition,
  type: z.literal('partition.failed'),
  /** Code of the error that ended it. */
  reason: z.string(),
  message: z.string(),
  /** Tries that counted, since the partition last got on. */
  attempts: Count,
})
/** The checkpoint row says cancelled: no chunk commits any more. Epoch 0: nobody ever claimed it. */
export const PartitionCancelled = z.object({ ...ofPartition, type: z.literal('partition.cancelled') })

/** The supervisor published a task again for a partition that no open task covered. */
export const PartitionRepublished = z.object({
  ...ofRun,
  type: z.literal('partition.republished'),
  partitionId: PartitionId,
  index: Count,
  message: z.string(),
})

/** No planner was there at these due times of a schedule, and no run is made for them: `catchUp` lets only so many be. */
export const ScheduleSkipped = z.object({
  ...fact,
  type: z.literal('schedule.skipped'),
  backfill: BackfillId,
  /** The first and the last of them. */
  from: Instant,
  to: Instant,
  /** Null: more than a thousand. */
  times: Count.nullable(),
})

const alerted = {
  ...fact,
  /** Of this occurrence: raised once, resolved at most once. */
  alertId: z.uuid(),
  kind: AlertKind,
  severity: AlertSeverity,
  about: About,
}

/** Something is wrong, or is about to be; told once, until it is resolved. */
export const AlertRaised = z.object({
  ...alerted,
  type: z.literal('alert.raised'),
  /** What was found, with the numbers. */
  message: z.string(),
  /** What a person does about it. */
  remedy: z.string(),
})
/** It is over. */
export const AlertResolved = z.object({ ...alerted, type: z.literal('alert.resolved'), message: z.string() })

/** The supervisor found a difference and mended it. */
export const RepairMade = z.object({
  ...fact,
  type: z.literal('repair.made'),
  kind: RepairKind,
  about: About,
  message: z.string(),
})

const ofWorker = {
  ...fact,
  worker: WorkerId,
  /** Of this process: another one with the same id is another instance. */
  instance: z.uuid(),
  /** From 0, in each instance. */
  sequence: Count,
}

/** A worker says that it is there: when it starts, every few seconds, and when it stops in good order. */
export const WorkerTold = z.object({
  ...ofWorker,
  type: z.enum(['worker.started', 'worker.alive', 'worker.stopped']),
  /** Partitions it may work on at the same time, and those it works on now. */
  slots: Count,
  running: Count,
  /** Topic partitions of the task topic that it holds. */
  lanes: z.array(Count),
  residentMb: z.number().nonnegative(),
  /** Of one core, since it told last. */
  cpuShare: z.number().nonnegative(),
  /** The longest the event loop was held up since it told last. */
  loopDelayMs: z.number().nonnegative(),
})
/** The supervisor has not heard of a worker for long, and it is not in the group any more. */
export const WorkerLost = z.object({ ...ofWorker, type: z.literal('worker.lost'), message: z.string() })

export const StatusEvent = z.discriminatedUnion('type', [
  RequestAccepted,
  RequestDuplicate,
  RequestRejected,
  RequestReported,
  RunQueued,
  RunPlanned,
  RunEnded,
  RunIntended,
  PartitionIntended,
  RunTuned,
  RunArchived,
  IntentAcknowledged,
  PartitionClaimed,
  PartitionProgressed,
  PartitionCompleted,
  PartitionFailed,
  PartitionCancelled,
  PartitionRepublished,
  ScheduleSkipped,
  AlertRaised,
  AlertResolved,
  RepairMade,
  WorkerTold,
  WorkerLost,
])
export type StatusEvent = z.infer<typeof StatusEvent>
export type PartitionEvent = Extract<StatusEvent, { epoch: number }>
export type RunEnd = z.infer<typeof RunEnded>
export type IntentEvent = z.infer<typeof RunIntended> | z.infer<typeof PartitionIntended>
export type RunChanges = z.infer<typeof RunTuned>['changes']
export type RunEvent = z.infer<typeof RunPlanned> | RunEnd
export type AlertEvent = z.infer<typeof AlertRaised | typeof AlertResolved>
export type WorkerEvent = z.infer<typeof WorkerTold | typeof WorkerLost>
export type Acknowledgement = z.infer<typeof IntentAcknowledged>
/** What holds a request key, and what does not. */
export type RequestAnswer = z.infer<typeof RequestAccepted | typeof RequestDuplicate | typeof RequestRejected>

export const isAnswer = (event: StatusEvent): event is RequestAnswer =>
  'requestHash' in event && event.type !== 'request.reported'

/** Between events of equal epoch and sequence the later of the partition's life wins. */
export const partitionEventRank = {
  'partition.claimed': 0,
  'partition.progressed': 1,
  'partition.completed': 2,
  'partition.failed': 2,
  'partition.cancelled': 2,
} as const satisfies Record<PartitionEvent['type'], number>

/** The text that `ce_id` is the uuid v5 of: equal facts have equal ids, whoever tells them and however often. */
export function statusIdentity(event: StatusEvent): string {
  switch (event.type) {
    case 'request.accepted':
    case 'request.duplicate':
    case 'request.rejected':
      return [event.type, event.requestKey ?? '', event.requestHash].join('|')
    case 'request.reported':
      return [event.type, event.requestKey ?? '', event.requestHash, event.report.planId, event.at].join('|')
    case 'run.queued':
      return [event.type, event.runId, event.position].join('|')
    case 'run.planned':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
    case 'run.archived':
      return [event.type, event.runId].join('|')
    case 'partition.claimed':
    case 'partition.progressed':
    case 'partition.completed':
    case 'partition.failed':
    case 'partition.cancelled':
      return [event.type, event.partitionId, event.epoch, event.sequence].join('|')
    case 'run.paused':
    case 'run.resumed':
    case 'run.cancelling':
    case 'run.tuned':
      return [event.type, event.runId, event.sequence].join('|')
    case 'partition.paused':
    case 'partition.resumed':
    case 'partition.cancelling':
      return [event.type, event.partitionId, event.sequence].join('|')
    case 'intent.acknowledged':
      return [event.type, event.runId, event.sequence, event.worker].join('|')
    case 'partition.republished':
      return [event.type, event.partitionId, event.at].join('|')
    case 'schedule.skipped':
      return [event.type, event.backfill, event.from, event.to].join('|')
    case 'alert.raised':
    case 'alert.resolved':
      return [event.type, event.alertId].join('|')
    case 'repair.made': {
      const { runId, partitionId, worker, topicPartition } = event.about
      return [event.type, event.kind, runId, partitionId, worker, topicPartition, event.at].join('|')
    }
    case 'worker.started':
    case 'worker.alive':
    case 'worker.stopped':
    case 'worker.lost':
      return [event.type, event.worker, event.instance, event.sequence].join('|')
  }
}

/**
 * The key of the message: partition id, else run id, else request key, else backfill; of an alert its id, of a worker's own
 * events its id.
 */
export function statusKey(event: StatusEvent): string {
  if ('alertId' in event) return event.alertId
  if ('instance' in event) return event.worker
  if ('about' in event) return event.about.partitionId ?? event.about.runId ?? event.kind
  if ('partitionId' in event) return event.partitionId
  if ('runId' in event) return event.runId
  if ('backfill' in event) return event.backfill
  return event.requestKey ?? event.requestHash
}
