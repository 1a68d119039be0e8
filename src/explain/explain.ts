import type { PartitionState } from '../contract/states.ts'
import type { Pool } from '../postgres/pool.ts'
import { diagnose, stateOf } from './diagnosis.ts'
import type { PartitionFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { historyOf } from './history.ts'
import { loadFacts } from './load.ts'
import type { PartitionRef } from './partition-ref.ts'
import { type TimelineLine, timelineOf } from './timeline.ts'

/** What happened to a partition, and why it is where it is. */
export interface Explanation extends Pick<PartitionFacts, 'partitionId' | 'runId' | 'index' | 'backfill' | 'planned'> {
  readonly state: PartitionState
  /** What is to be known first in front; never empty. */
  readonly why: readonly Finding[]
  readonly timeline: readonly TimelineLine[]
}

/** Throws TerminalError (NOT_FOUND). */
export async function explainPartition(
  pool: Pool,
  schema: string,
  ref: PartitionRef,
  nowMs: number,
): Promise<Explanation> {
  const facts = await loadFacts(pool, schema, ref)
  const history = historyOf(facts.events)
  const { partitionId, runId, index, backfill, planned } = facts
  return {
    ...{ partitionId, runId, index, backfill, planned },
    state: stateOf(history),
    why: diagnose(facts, history, nowMs),
    timeline: timelineOf(history),
  }
}
