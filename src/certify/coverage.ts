import type { CoverageFlaw } from '../contract/run-certificate.ts'
import type { PartitionState } from '../contract/states.ts'
import { joined, minus, type Span } from '../plan/stretches.ts'

/** A partition of the plan, its bounds as numbers that order, and how far it is. */
export interface CoveredPartition extends Span {
  readonly index: number
  readonly state: PartitionState
}

export interface CoverageInput {
  /** What the run is to cover: ascending, disjoint. */
  readonly wanted: readonly Span[]
  /** In any order. */
  readonly plan: readonly CoveredPartition[]
  /** What other runs have completed of it, as retries do: ascending, disjoint. */
  readonly elsewhere: readonly Span[]
  text(this: void, value: bigint): string
}

/**
 * Where the completed partitions do not tile what is wanted: parts that none of them has (gaps), and parts that two
 * partitions have (overlaps), in order. None: nothing was left out and nothing can have been done twice.
 */
export function* coverageFlaws({ wanted, plan, elsewhere, text }: CoverageInput): Generator<CoverageFlaw> {
  const partitions = plan.filter(({ from, to }) => from < to).sort(byBegin)
  const done = partitions.filter(({ state }) => state === 'completed')
  const flaws: (Span & Omit<CoverageFlaw, 'from' | 'to'>)[] = []
  for (const { from, to, why } of gaps(wanted, partitions, elsewhere))
    flaws.push({ what: 'gap', from, to, why, neighbours: neighboursOf(done, from) })
  for (const { from, to, first, second } of overlaps(partitions))
    flaws.push({ what: 'overlap', from, to, why: 'two partitions have it', neighbours: [first, second] })
  for (const { from, to, ...flaw } of flaws.sort(byBegin)) yield { ...flaw, from: text(from), to: text(to) }
}

interface Gap extends Span {
  readonly why: string
}

function gaps(
  wanted: readonly Span[],
  partitions: readonly CoveredPartition[],
  elsewhere: readonly Span[],
): readonly Gap[] {
  const planned = joined<Span>(merged(partitions))
  const unplanned = [...minus(wanted, planned)].map((span): Gap => ({ ...span, why: 'not in the plan' }))
  const done = merged([...partitions.filter(({ state }) => state === 'completed'), ...elsewhere].sort(byBegin))
  const undone = partitions
    .filter(({ state }) => state !== 'completed')
    .flatMap(({ from, to, state }) => [...minus([{ from, to, why: whyOf(state) }], done)])
  return joined([...unplanned, ...undone].sort(byBegin), (a, b) => a.why === b.why)
}

const whyOf = (state: PartitionState): string => (state === 'pending' ? 'not begun' : state)

/** Spans that begin in order as spans that do not overlap. */
function merged(spans: readonly Span[]): readonly Span[] {
  const all: { from: bigint; to: bigint }[] = []
  for (const { from, to } of spans) {
    const last = all.at(-1)
    if (last === undefined || from > last.to) all.push({ from, to })
    else if (to > last.to) last.to = to
  }
  return all
}

/** Each partition against whichever of those before it reaches furthest. */
function* overlaps(
  partitions: readonly CoveredPartition[],
): Generator<Span & { readonly first: number; readonly second: number }> {
  let reach: CoveredPartition | undefined
  for (const partition of partitions) {
    if (reach !== undefined && partition.from < reach.to)
      yield {
        from: partition.from,
        to: partition.to < reach.to ? partition.to : reach.to,
        ...{ first: reach.index, second: partition.index },
      }
    if (reach === undefined || partition.to > reach.to) reach = partition
  }
}

/** The completed partitions around a place, by their index. */
function neighboursOf(done: readonly CoveredPartition[], at: bigint): [number | null, number | null] {
  let [low, high] = [0, done.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((done[middle]?.from ?? at) < at) low = middle + 1
    else high = middle
  }
  return [done[low - 1]?.index ?? null, done[low]?.index ?? null]
}

const byBegin = (a: Span, b: Span): number => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0)
