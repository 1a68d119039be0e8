import type { PartitionId, RunId } from '../contract/ids.ts'
import type { PauseRequest } from '../contract/request.ts'

const parked = (runId: RunId, why: string, reason: string): PauseRequest => ({
  version: 1,
  type: 'pause',
  requestKey: `parked/${runId}/${why}`,
  runId,
  requestedBy: 'tidemark',
  reason,
})

/**
 * The run's error budget is spent. Named by the intent that holds: all workers that find it so ask for the same, and
 * once a person has resumed the run it is asked for again when the next bad row comes.
 */
export const budgetRequest = (runId: RunId, controlSequence: number): PauseRequest =>
  parked(
    runId,
    `error-budget/${controlSequence}`,
    'the error budget is spent (limits.maxRejectedRows, limits.maxRejectedRatio): look at the rejected rows, correct the source, and resume; or cancel',
  )

/** Most partitions of the run fail. Asked for once a run: a person who resumes it has decided. */
export const breakerRequest = (runId: RunId): PauseRequest =>
  parked(
    runId,
    'circuit-breaker',
    'more than half of at least 50 partitions failed: look at the dead letters, mend what they name, and resume; or cancel',
  )

/** What is stored of a partition is in doubt. Asked for once a partition and reason: a person who resumes it has decided. */
export const quarantineRequest = (
  runId: RunId,
  partitionId: PartitionId,
  kind: string,
  found: string,
): PauseRequest => ({
  ...parked(
    runId,
    `${kind}/${partitionId}`,
    `${found}: look at the alert "${kind}", and resume; or cancel`.slice(0, 500),
  ),
  partitionId,
})
