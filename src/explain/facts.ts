import type { Intent, PartitionIntent } from '../contract/control.ts'
import type { BackfillId, PartitionId, RunId } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import type { RunState } from '../contract/states.ts'
import type { StatusEvent } from '../contract/status.ts'

/** Everything that is known of a partition, to say what happened to it and why. */
export interface PartitionFacts {
  readonly partitionId: PartitionId
  readonly runId: RunId
  readonly index: number
  readonly backfill: BackfillId
  /** Null: the control database has no such run, as beside a ledger that was rebuilt from the topic. */
  readonly run: RunFacts | null
  readonly planned: PlannedFacts | null
  /** About the partition, and about its run as a whole; in any order. */
  readonly events: readonly StatusEvent[]
  /** The run's completed partitions without this one; null: none has completed. */
  readonly others: OtherPartitions | null
}

export interface RunFacts {
  readonly state: RunState
  readonly intent: Intent
  /** Since when, for whom and why it is wanted to be so; null: nobody ever said. */
  readonly intended: { readonly at: string; readonly by: string | null; readonly reason: string | null } | null
  readonly partitions: number
  /** Tasks published so far, in the order of publish-order.ts. */
  readonly published: number
  readonly plannedAt: string | null
  /** Of its tasks that may be open, as tuned or as its definition says; null: as many as of any run. */
  readonly mostOpen: number | null
  /** Runs that do partitions of it again. */
  readonly retries: readonly RunId[]
}

export interface PlannedFacts {
  readonly range: KeyRange
  readonly estimatedRows: number | null
  readonly intent: PartitionIntent['intent'] | null
}

/** Medians over (some of) the partitions that have completed. */
export interface OtherPartitions {
  readonly completed: number
  /** From the first claim to the end. */
  readonly medianMs: number
  readonly medianRows: number
  readonly medianRowsPerSecond: number
}
