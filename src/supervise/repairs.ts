import type { About, RepairKind } from '../contract/alert.ts'
import type { RunEnd, StatusEvent } from '../contract/status.ts'
import type { Run } from '../plan/run.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'
import type { PlannedPartitionState, RecordedPartition } from './compare.ts'

const ofRun = (
  { id: runId, backfill }: Run,
  now: Date,
): { version: 1; runId: string; backfill: string; at: string } => ({
  version: 1,
  runId,
  backfill,
  at: now.toISOString(),
})

/** The end of a partition as its checkpoint row has it: the very fact the worker told, or should have told. */
export function partitionEnd(
  run: Run,
  { index }: Pick<PlannedPartitionState, 'index'>,
  checkpoint: StoredCheckpoint,
  recorded: RecordedPartition | undefined,
  now: Date,
): StatusEvent {
  const { partitionId, epoch, sequence, cursor, totals } = checkpoint
  const ended = {
    ...ofRun(run, now),
    ...{ partitionId, index, epoch, sequence, cursor, totals },
    worker: checkpoint.worker ?? recorded?.worker ?? 'unknown',
    topicPartition: checkpoint.topicPartition ?? recorded?.topicPartition ?? 0,
  }
  if (checkpoint.state === 'completed') return { ...ended, type: 'partition.completed' }
  if (checkpoint.state === 'cancelled') return { ...ended, type: 'partition.cancelled' }
  const { reason, message, attempts } = checkpoint.failure ?? unknownFailure
  return { ...ended, type: 'partition.failed', reason, message, attempts }
}

const unknownFailure = { reason: 'UNKNOWN', message: 'the worker that knew why did not tell', attempts: 0 }

/** `cause`: what became of its task, where that is known. */
export function republished(run: Run, { partitionId, index }: StoredPartition, now: Date, cause?: string): StatusEvent {
  const message = `${cause ?? 'no open task covered the partition'}: its task was published again`
  return { ...ofRun(run, now), type: 'partition.republished', partitionId, index, message }
}

/** That something was mended, for the record. */
export function repairMade(kind: RepairKind, about: About, message: string, now: Date): StatusEvent {
  return { version: 1, type: 'repair.made', at: now.toISOString(), kind, about, message }
}

export function runEnd(
  run: Run,
  end: Omit<RunEnd, 'type' | 'state' | 'partitions' | keyof ReturnType<typeof ofRun>> & {
    readonly state: 'completed' | 'failed' | 'cancelled'
  },
  now: Date,
): StatusEvent {
  const { state, partitionsFailed, partitionsCancelled, totals } = end
  return {
    ...ofRun(run, now),
    ...{ type: `run.${state}`, state, partitions: run.partitions, partitionsFailed, partitionsCancelled, totals },
  }
}
