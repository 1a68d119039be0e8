import type { BackfillId, PartitionId, RunId, Sha256 } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import type { TaskMessage } from '../contract/task.ts'

/** What the tasks of a run have in common. */
export interface RunOfTask {
  readonly id: RunId
  readonly backfill: BackfillId
  readonly definitionHash: Sha256
  readonly params: TaskMessage['params']
}

/** A partition of a stored plan. */
export interface StoredPartition {
  readonly index: number
  readonly partitionId: PartitionId
  readonly range: KeyRange
  readonly locator: TaskMessage['locator']
  readonly estimatedRows: number | null
}

/** The task of a partition. `why` says on whose account it is published. */
export function taskOf(run: RunOfTask, partition: StoredPartition, why: TaskMessage['reason'], now: Date): TaskMessage {
  const { partitionId, index, range, locator } = partition
  return {
    version: 1,
    runId: run.id,
    partitionId,
    index,
    backfill: run.backfill,
    definitionHash: run.definitionHash,
    params: run.params,
    range,
    locator,
    reason: why,
    publishedAt: now.toISOString(),
  }
}
