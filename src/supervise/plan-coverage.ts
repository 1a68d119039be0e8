import { orderOf } from '../plan/domain-order.ts'
import type { Run } from '../plan/run.ts'
import type { Span } from '../plan/stretches.ts'

/** A partition of a plan by its bounds. */
export interface PlannedRange {
  readonly index: number
  readonly from: string
  readonly to: string
}

export interface CoverageFinding {
  readonly kind: 'coverageGap' | 'coverageOverlap'
  readonly message: string
  /** The partition with which it begins, or behind which it lies; null: there is none before it. */
  readonly index: number | null
}

/** More of them say nothing that these do not. */
const mostNamed = 20

type Planned = Pick<Run, 'bounds' | 'retryWhat' | 'partitions'>

/**
 * Where the partitions of a plan leave out a part of what its run is to do, or have a part of it twice; none: they tile it.
 * They come in the order of their index, which is that of the domain, and need not be held all at once.
 */
export async function planCoverage(
  run: Planned,
  partitions: AsyncIterable<PlannedRange> | Iterable<PlannedRange>,
): Promise<readonly CoverageFinding[]> {
  const { value, text } = orderOf(run.bounds)
  const wanted = wantedOf(run)
  const found: CoverageFinding[] = []
  let reached: bigint | null = null
  let before: number | null = null
  let count = 0
  const gaps = (span: Span, after: number | null): void => {
    for (const { from, to } of leftOut(span, wanted)) {
      const place = after === null ? 'before the first partition' : `behind partition ${after}`
      found.push({
        kind: 'coverageGap',
        message: `no partition has ${text(from)} to ${text(to)}, ${place}`,
        index: after,
      })
    }
  }
  for await (const { index, from, to } of partitions) {
    if (found.length >= mostNamed) break
    if (index > count && wanted.length === 0)
      found.push({
        kind: 'coverageGap',
        message: `partitions ${count} to ${index - 1} are not in the plan`,
        index: before,
      })
    count = index + 1
    const [begin, end] = [value(from), value(to)]
    if (begin >= end) continue
    const start: bigint | null = reached ?? wanted[0]?.from ?? null
    if (start !== null && begin > start) gaps({ from: start, to: begin }, before)
    if (reached !== null && begin < reached && before !== null) {
      const upTo = end < reached ? end : reached
      const message = `partitions ${before} and ${index} both have ${text(begin)} to ${text(upTo)}`
      found.push({ kind: 'coverageOverlap', message, index })
    }
    if (reached === null || end > reached) [reached, before] = [end, index]
  }
  if (found.length >= mostNamed) return found
  const last = wanted.at(-1)
  const start = reached ?? wanted[0]?.from
  if (last !== undefined && start !== undefined && start < last.to) gaps({ from: start, to: last.to }, before)
  else if (wanted.length === 0 && count < run.partitions)
    found.push({
      kind: 'coverageGap',
      message: `partitions ${count} to ${run.partitions - 1} are not in the plan`,
      index: before,
    })
  return found
}

/** What of a span is wanted. */
function* leftOut(span: Span, wanted: readonly Span[]): Generator<Span> {
  for (const { from, to } of wanted) {
    const part = { from: from > span.from ? from : span.from, to: to < span.to ? to : span.to }
    if (part.from < part.to) yield part
  }
}

/** Ascending and disjoint. Of partitions of another run that are done again only their numbers tell whether one is missing. */
function wantedOf({ bounds, retryWhat }: Planned): readonly Span[] {
  if (retryWhat !== null && retryWhat !== 'cut') return []
  const { whole, value } = orderOf(bounds)
  if (bounds.only !== undefined) return bounds.only.map(({ from, to }) => ({ from: value(from), to: value(to) }))
  return whole.from < whole.to ? [whole] : []
}
