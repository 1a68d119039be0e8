import type { PartitionId } from '../contract/ids.ts'
import { decodeOffsetMetadata } from '../work/offset-metadata.ts'

/** Where the worker group stands on one topic partition of the task topic. */
export interface LanePlace {
  readonly topicPartition: number
  /** Null: the group has committed none, or one that the topic does not have. */
  readonly committed: bigint | null
  readonly metadata: string
}

/** A task that a committed offset has passed. */
export interface PassedTask {
  readonly partitionId: PartitionId
  readonly topicPartition: number
  readonly offset: bigint
}

export interface LaneFinding {
  readonly kind: 'offsetWentBack' | 'offsetMetadataLost'
  readonly topicPartition: number
  readonly message: string
}

/**
 * What happened to committed offsets since the look before, and no worker does: one went back, or stands where it stood and
 * lost the checkpoints in its metadata. Whoever takes a lane over commits again what is committed, and a window that does
 * not fit is not committed, so neither comes of lanes that move or of tasks that are many. Both cost nothing but a look:
 * the claims of tasks that come again find their ends, and the checkpoint rows have all that metadata had.
 */
export function laneFindings(
  before: ReadonlyMap<number, LanePlace>,
  now: readonly LanePlace[],
): readonly LaneFinding[] {
  return now.flatMap((lane): LaneFinding[] => {
    const { topicPartition, committed, metadata } = lane
    const was = before.get(topicPartition)
    if (was === undefined || was.committed === null || committed === null) return []
    if (committed < was.committed)
      return [
        {
          kind: 'offsetWentBack',
          topicPartition,
          message: `the committed offset of topic partition ${topicPartition} was ${was.committed} and is ${committed}: its tasks come again, and their claims find that they are over`,
        },
      ]
    if (committed > was.committed || metadata === was.metadata) return []
    const known = decodeOffsetMetadata(was.metadata)?.tasks.length ?? 0
    if (known === 0 || decodeOffsetMetadata(metadata) !== undefined) return []
    return [
      {
        kind: 'offsetMetadataLost',
        topicPartition,
        message: `offset ${committed} of topic partition ${topicPartition} had the checkpoints of ${known} tasks in its metadata, and has ${metadata === '' ? 'none' : 'something unreadable'} now: the checkpoint rows tell them`,
      },
    ]
  })
}

/** What is known of tasks whose offset has passed them although they are not over, by partition. */
export type PassedTasks = ReadonlyMap<PartitionId, PassedTask>

/**
 * Carries on what is known: of tasks passed since the look before those whose partition is still to be worked on, for an
 * offset passes a task only when its end was read; of those before, the ones that no task covers yet.
 */
export function tooFar(
  before: PassedTasks,
  passed: readonly PassedTask[],
  isStranded: (partitionId: PartitionId) => boolean,
): PassedTasks {
  const known = new Map<PartitionId, PassedTask>()
  for (const task of [...before.values(), ...passed])
    if (isStranded(task.partitionId)) known.set(task.partitionId, task)
  return known
}
