import type { OtherPartitions, PartitionFacts, PlannedFacts, RunFacts } from '../../src/explain/facts.ts'
import { completed } from '../support/partition-events.ts'

const { partitionId, runId, index, backfill } = completed()

export const aRun: RunFacts = {
  ...{ state: 'running', intent: 'running', intended: null, partitions: 10, published: 10 },
  ...{ plannedAt: '2026-11-23T11:59:00.000Z', mostOpen: null, retries: [] },
}
export const aPlan: PlannedFacts = {
  range: { kind: 'integer', from: '0', to: '100' },
  estimatedRows: null,
  intent: null,
}
/** Fast ones: a thousand rows in a second. */
export const fastOthers: OtherPartitions = {
  ...{ completed: 9, medianMs: 1_000, medianRows: 1_000, medianRowsPerSecond: 1_000 },
}

/** Of the partition that test/support/partition-events.ts tells of. */
export const factsOf = (given: Partial<PartitionFacts> = {}): PartitionFacts => ({
  ...{ partitionId, runId, index, backfill, run: aRun, planned: aPlan, events: [], others: null },
  ...given,
})
