import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { PlannedPartition } from '../contract/plan.ts'
import type { KeyKind } from '../contract/range.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import type { Mark } from '../process/marks.ts'
import { keyKindOf } from './cut.ts'
import { partitionIdOf } from './partition-id.ts'
import { partitionsOf } from './retried-partitions.ts'
import type { Run, RunStore } from './run-store.ts'
import type { StoredPartition } from './task-of.ts'

export interface PlanWriterDeps {
  readonly runs: Pick<RunStore, 'writePage' | 'retried'>
  readonly mark?: Mark
}

const partitionsPerPage = 1_000

/**
 * Writes what is missing of an accepted run's plan, page by page from its plan cursor. Crashed anywhere, the same
 * bounds give the same partitions again. Throws RetryableError when another planner writes the same plan.
 */
export async function writePlan(
  { runs, mark }: PlanWriterDeps,
  run: Run,
  { backfill, hash }: DiscoveredBackfill,
  signal: AbortSignal,
): Promise<void> {
  if (hash !== run.definitionHash)
    throw new TerminalError(
      'PLAN_INVALID',
      `definition "${run.backfill}" was changed while run ${run.id} was being planned: send the request again with another request key`,
    )
  const kind = keyKindOf(run.bounds)
  let [planCursor, page] = [run.planCursor, [] as StoredPartition[]]
  const write = async (): Promise<void> => {
    signal.throwIfAborted()
    if (!(await runs.writePage(run.id, planCursor, page)))
      throw new RetryableError(
        'OUTCOME_UNKNOWN',
        `run ${run.id}: another planner writes the plan, which is not at ${planCursor} any more`,
      )
    ;[planCursor, page] = [planCursor + page.length, []]
    await mark?.('R4')
  }
  for await (const partition of partitionsOf(runs, run, backfill.partitionBy)) {
    if (partition.index < run.planCursor) continue
    page.push(stored(run, kind, partition))
    if (page.length === partitionsPerPage) await write()
  }
  if (page.length > 0) await write()
}

function stored(run: Run, kind: KeyKind, partition: PlannedPartition): StoredPartition {
  const { index, from, to, locator, estimatedRows } = partition
  return { index, partitionId: partitionIdOf(run.id, partition), range: { kind, from, to }, locator, estimatedRows }
}
