import type { Checkpoint } from '../contract/checkpoint.ts'
import type { KeyRange } from '../contract/range.ts'
import type { PartitionEvent, StageTimings } from '../contract/status.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Failure, StoredCheckpoint } from '../sink/sink.ts'

/** Who tells, of which task, at what time. */
export interface Teller {
  readonly worker: string
  readonly task: TaskMessage
  /** Where the task stands. */
  readonly topic: string
  readonly topicPartition: number
  readonly offset: bigint
  now(this: void): Date
}

type Facts = Omit<Extract<PartitionEvent, { type: 'partition.completed' }>, 'type'>

function facts({ worker, task, topicPartition, now }: Teller, checkpoint: Checkpoint): Facts {
  const { runId, backfill, partitionId, index } = task
  const { epoch, sequence, cursor, totals } = checkpoint
  const at = now().toISOString()
  return {
    version: 1,
    at,
    runId,
    backfill,
    partitionId,
    index,
    epoch,
    sequence,
    cursor,
    totals,
    worker,
    topicPartition,
  }
}

export const claimed = (teller: Teller, checkpoint: Checkpoint, range: KeyRange): PartitionEvent => ({
  ...facts(teller, checkpoint),
  type: 'partition.claimed',
  range,
})

export const progressed = (teller: Teller, checkpoint: Checkpoint, timings: StageTimings): PartitionEvent => ({
  ...facts(teller, checkpoint),
  type: 'partition.progressed',
  timings,
})

/** The terminal event of a terminal row. */
export function ended(teller: Teller, checkpoint: StoredCheckpoint): PartitionEvent {
  if (checkpoint.state === 'completed') return { ...facts(teller, checkpoint), type: 'partition.completed' }
  if (checkpoint.state === 'cancelled') return { ...facts(teller, checkpoint), type: 'partition.cancelled' }
  const failure = checkpoint.failure ?? unknownFailure(checkpoint)
  const { reason, message, attempts } = failure
  return { ...facts(teller, checkpoint), type: 'partition.failed', reason, message, attempts }
}

const unknownFailure = ({ state }: Checkpoint): Failure => ({
  reason: state.toUpperCase(),
  message: `the checkpoint row says ${state}`,
  attempts: 0,
  sample: [],
})
