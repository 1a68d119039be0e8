import type { PlannedPartition } from '../contract/plan.ts'
import type { Sizes } from '../contract/plan-report.ts'

const classes = 10
const mostLargest = 5

/** A plan gone through once: its sizes, and the partitions that are to be listed. */
export interface Counted {
  /** Null when the source cannot tell the rows of a partition. */
  readonly rows: Sizes | null
  /** All of them, or the largest, in the order of the plan. */
  readonly listed: readonly PlannedPartition[]
}

/** Keeps of every partition only its rows (a number), so that a million of them take some megabytes. */
export function* countedAsTheyPass(
  partitions: Iterable<PlannedPartition>,
  lists: 'largest' | 'all',
  done: (counted: Counted) => void,
): Generator<PlannedPartition> {
  const sizes: number[] = []
  let listed: PlannedPartition[] = []
  let isKnown = true
  for (const partition of partitions) {
    if (partition.estimatedRows === null) isKnown = false
    sizes.push(partition.estimatedRows ?? 0)
    if (lists === 'all') listed.push(partition)
    else if (listed.length < mostLargest || (partition.estimatedRows ?? 0) > (listed.at(-1)?.estimatedRows ?? 0))
      listed = [...listed, partition]
        .sort((a, b) => (b.estimatedRows ?? 0) - (a.estimatedRows ?? 0))
        .slice(0, mostLargest)
    yield partition
  }
  listed.sort((a, b) => a.index - b.index)
  done({ rows: isKnown && sizes.length > 0 ? sizesOf(sizes) : null, listed })
}

function sizesOf(rows: number[]): Sizes {
  const sorted = rows.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const total = sorted.reduce((sum, of) => sum + of, 0)
  const largest = at(1)
  const width = Math.max(1, Math.ceil((largest + 1) / classes))
  const histogram = Array.from({ length: classes }, (_, of) => ({ upTo: (of + 1) * width, partitions: 0 }))
  for (const of of sorted) {
    const place = histogram[Math.floor(of / width)]
    if (place !== undefined) place.partitions += 1
  }
  return {
    ...{ total, smallest: at(0), median: at(0.5), p90: at(0.9), largest },
    skew: total === 0 ? 1 : Math.round((100 * largest * sorted.length) / total) / 100,
    histogram: histogram.slice(0, histogram.findLastIndex(({ partitions }) => partitions > 0) + 1),
  }
}
