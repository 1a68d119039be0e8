import { writePlace } from '../contract/key-place.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'

/** `size` values a partition, each range from its first value to the next one's, so that the ranges tile the domain. */
export function* cutList(
  bounds: Extract<PinnedBounds, { kind: 'key' }>,
  size: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  const { columns, values = [] } = bounds
  for (let at = 0; at < values.length; at += size) {
    const [first, next] = [values[at], values[at + size]]
    yield {
      from: at === 0 || first === undefined ? bounds.from : writePlace({ values: [first], after: false }),
      to: next === undefined ? bounds.to : writePlace({ values: [next], after: false }),
      locator: { columns, values: values.slice(at, at + size) },
      estimatedRows: null,
    }
  }
}
