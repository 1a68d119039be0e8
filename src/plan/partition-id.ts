import type { PartitionId, RunId } from '../contract/ids.ts'
import type { PlannedPartition } from '../contract/plan.ts'
import { namedUuid } from '../status/named-uuid.ts'

/** Planning again gives the same ids: a task published twice meets the claim of the first. */
export function partitionIdOf(
  runId: RunId,
  { index, from, to }: Pick<PlannedPartition, 'index' | 'from' | 'to'>,
): PartitionId {
  return namedUuid(`${index}/${from}/${to}`, runId)
}
