import type { DeadLetterMessage } from '../contract/dead-letter.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'

/** The task of a partition, where it stands, and who works on it. */
export interface TaskPlace {
  readonly task: TaskMessage
  readonly topic: string
  readonly topicPartition: number
  readonly offset: bigint
  readonly worker: string
}

/** The dead letter of a failed partition: all from its checkpoint row, so that it says the same however often it is told. */
export function partitionLetter(place: TaskPlace, checkpoint: StoredCheckpoint, now: Date): DeadLetterMessage {
  const { task, topic, topicPartition, offset } = place
  const { partitionId, epoch, sequence, cursor, failure } = checkpoint
  return {
    version: 1,
    what: 'partition',
    reason: failure?.reason ?? 'UNKNOWN',
    message: failure?.message ?? 'the worker that knew why did not write it down',
    topic,
    topicPartition,
    offset: offset.toString(),
    key: partitionId,
    value: null,
    runId: task.runId,
    partitionId,
    cursor,
    failed: {
      backfill: task.backfill,
      index: task.index,
      range: task.range,
      epoch,
      sequence,
      attempts: failure?.attempts ?? 0,
      worker: checkpoint.worker ?? place.worker,
      sample: [...(failure?.sample ?? [])],
    },
    at: now.toISOString(),
  }
}
