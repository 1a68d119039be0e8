import { addTotals, noTotals, type Totals } from '../contract/certificate.ts'
import type { PartitionId } from '../contract/ids.ts'
import type { RunState } from '../contract/states.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'

export interface RunEnding {
  readonly state: 'completed' | 'failed' | 'cancelled'
  readonly partitionsFailed: number
  readonly partitionsCancelled: number
  readonly totals: Totals
}

interface Ended {
  readonly state: RunState
  readonly plan: readonly { readonly partitionId: PartitionId }[]
  readonly checkpoints: ReadonlyMap<PartitionId, StoredCheckpoint>
}

/** How a run of which nothing is left to do ends, or has ended: the sums of its checkpoint rows. */
export function endingOf({ state, plan, checkpoints }: Ended): RunEnding {
  let [partitionsFailed, partitionsCancelled, totals] = [0, 0, noTotals]
  for (const { partitionId } of plan) {
    const checkpoint = checkpoints.get(partitionId)
    if (checkpoint === undefined) continue
    totals = addTotals(totals, checkpoint.totals)
    if (checkpoint.state === 'failed') partitionsFailed += 1
    if (checkpoint.state === 'cancelled') partitionsCancelled += 1
  }
  return { state: endState(state, partitionsFailed), partitionsFailed, partitionsCancelled, totals }
}

function endState(state: RunState, partitionsFailed: number): RunEnding['state'] {
  if (state === 'completed' || state === 'failed' || state === 'cancelled') return state
  if (state === 'cancelling') return 'cancelled'
  return partitionsFailed > 0 ? 'failed' : 'completed'
}
