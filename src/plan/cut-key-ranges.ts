import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundText, boundValue } from '../contract/range.ts'
import { shareOfRows } from './share-of-rows.ts'

/** Ranges of `size` keys, beginning at the first key of the bounds; the last one is smaller. */
export function* cutKeyRanges(
  bounds: Extract<PinnedBounds, { kind: 'integer' | 'uuid' }>,
  size: bigint,
): Generator<Omit<PlannedPartition, 'index'>> {
  if (size < 1n) throw new TerminalError('PLAN_INVALID', `partitionBy key size ${size}: must be a whole number from 1`)
  const { kind } = bounds
  const [first, end] = [boundValue(kind, bounds.from), boundValue(kind, bounds.to)]
  const share = shareOfRows(bounds.estimatedRows, first, end)
  for (let from = first; from < end; from += size) {
    const to = from + size < end ? from + size : end
    yield {
      from: boundText(kind, from),
      to: boundText(kind, to),
      locator: { column: bounds.column },
      estimatedRows: share(from, to),
    }
  }
}
