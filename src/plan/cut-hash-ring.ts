import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundValue } from '../contract/range.ts'
import { locatorOf } from './locator-of.ts'
import { shareOfRows } from './share-of-rows.ts'

/**
 * Arcs of the ring of hashes, as equal as whole numbers can be. A plan of twice as many halves each of them, so that a
 * value stays in the place it had.
 */
export function* cutHashRing(
  bounds: Extract<PinnedBounds, { kind: 'integer' }>,
  partitions: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  const [first, end] = [boundValue('integer', bounds.from), boundValue('integer', bounds.to)]
  const share = shareOfRows(bounds.estimatedRows, first, end)
  const edge = (at: number): bigint => first + ((end - first) * BigInt(at)) / BigInt(partitions)
  for (let at = 0; at < partitions; at += 1) {
    const [from, to] = [edge(at), edge(at + 1)]
    if (from === to) continue
    yield {
      from: from.toString(),
      to: to.toString(),
      locator: locatorOf(bounds),
      estimatedRows: share(from, to),
    }
  }
}
