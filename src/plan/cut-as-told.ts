import { TerminalError } from '../contract/errors.ts'
import type { NumberedBounds, PlannedPartition } from '../contract/plan.ts'
import { boundValue } from '../contract/range.ts'
import type { ByCustom } from '../define/partition-by.ts'
import { locatorOf } from './locator-of.ts'
import { shareOfRows } from './share-of-rows.ts'

/**
 * The ranges that a definition's own function gives, which must tile the domain in order. Throws TerminalError
 * (PLAN_INVALID) naming the two ranges between which there is a gap, or that overlap.
 */
export function* cutAsTold(
  bounds: NumberedBounds,
  ranges: ByCustom<string, string>['ranges'],
): Generator<Omit<PlannedPartition, 'index'>> {
  const { kind } = bounds
  const value = (text: string): bigint => {
    try {
      return boundValue(kind, text)
    } catch (error) {
      throw refused(error instanceof RangeError ? error.message : `${JSON.stringify(text)} is no bound`)
    }
  }
  const [first, end] = [value(bounds.from), value(bounds.to)]
  if (first >= end) return
  const share = shareOfRows(bounds.estimatedRows, first, end)
  let [before, reached] = [`the domain begins at ${bounds.from}`, first]
  for (const { from: given, to: until, estimatedRows } of ranges({ kind, from: bounds.from, to: bounds.to })) {
    const [from, to] = [value(given), value(until)]
    const shown = `the range from ${given} to ${until}`
    if (from >= to) throw refused(`${shown} is empty: its first bound must come before the second`)
    if (from > reached) throw refused(`there is a gap: ${before}, and the next is ${shown}`)
    if (from < reached) throw refused(`ranges overlap, or are not in order: ${before}, and the next is ${shown}`)
    if (to > end) throw refused(`${shown} goes beyond the domain, which ends before ${bounds.to}`)
    ;[before, reached] = [`one range is from ${given} to ${until}`, to]
    yield {
      from: given,
      to: until,
      locator: locatorOf(bounds),
      estimatedRows: estimatedRows ?? share(from, to),
    }
  }
  if (reached < end) throw refused(`there is a gap: ${before}, and the domain ends before ${bounds.to}`)
}

const refused = (why: string): TerminalError => new TerminalError('PLAN_INVALID', `partition.custom: ${why}`)
