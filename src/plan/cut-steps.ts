import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { locatorOf } from './locator-of.ts'

/**
 * The steps in which the rows lie, put together while they hold no more than `size` rows: of keys that only the server
 * can order there is nothing to be computed in between.
 */
export function* cutSteps(
  bounds: Extract<PinnedBounds, { kind: 'key' }>,
  size: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  const locator = locatorOf(bounds)
  let [from, to, rows] = [bounds.from, bounds.from, 0]
  for (const step of bounds.spread) {
    if (from !== to && rows + step.rows > size) {
      yield { from, to, locator, estimatedRows: rows }
      ;[from, rows] = [to, 0]
    }
    to = step.to
    rows += step.rows
  }
  if (from !== to) yield { from, to, locator, estimatedRows: rows }
}
