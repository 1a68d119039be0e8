import type { PlannedPartition } from '../contract/plan.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import { cut } from './cut.ts'
import type { EarlierRunStore } from './earlier-run-store.ts'
import type { Retry, Run } from './run.ts'

const perPage = 5_000

/** The partitions of a run's plan, in order, one at a time: cut from its bounds, or those of the run that it retries. */
export function partitionsOf(
  runs: Pick<EarlierRunStore, 'retried'>,
  run: Pick<Run, 'bounds' | 'retryOf' | 'retryWhat' | 'retryOnly'>,
  partitionBy: PartitionBy,
): Iterable<PlannedPartition> | AsyncIterable<PlannedPartition> {
  const { bounds, retryOf, retryWhat, retryOnly } = run
  return retryOf === null || retryWhat === null || retryWhat === 'cut'
    ? cut(bounds, partitionBy)
    : retriedPartitions(runs, { retryOf, retryWhat, retryOnly })
}

/**
 * Those that failed in a run that has ended, were named, or had rejected rows, numbered anew: always the same, for nothing
 * happens to the partitions of such a run any more.
 */
export async function* retriedPartitions(
  runs: Pick<EarlierRunStore, 'retried'>,
  retry: Retry,
): AsyncGenerator<PlannedPartition> {
  let index = 0
  for (let after = -1; ; ) {
    const page = await runs.retried(retry, after, perPage)
    for (const { range, locator, estimatedRows } of page)
      yield { index: index++, from: range.from, to: range.to, locator, estimatedRows }
    const last = page.at(-1)
    if (last === undefined) return
    after = last.index
  }
}
