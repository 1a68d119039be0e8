import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundValue } from '../contract/range.ts'
import { shareOfRows } from './share-of-rows.ts'

/** Ranges of `size` keys, beginning at the first key of the bounds; the last one is smaller. */
export function* cutKeyRanges(
  bounds: Extract<PinnedBounds, { kind: 'integer' }>,
  size: bigint,
): Generator<Omit<PlannedPartition, 'index'>> {
  if (size < 1n) throw new TerminalError('PLAN_INVALID', `partitionBy key size ${size}: must be a whole number from 1`)
  const [first, end] = [boundValue('integer', bounds.from), boundValue('integer', bounds.to)]
  const share = shareOfRows(bounds.estimatedRows, first, end)
  for (let from = first; from < end; from += size) {
    const to = from + size < end ? from + size : end
    yield {
      from: from.toString(),
      to: to.toString(),
      locator: { column: bounds.column },
      estimatedRows: share(from, to),
    }
  }
}
