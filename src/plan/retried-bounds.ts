import { messageOf, TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import { cuttableBelow } from '../contract/range.ts'
import type { RetryRequest } from '../contract/request.ts'
import type { Backfill } from '../define/define-backfill.ts'
import { usualListSize } from '../define/partition-by.ts'
import type { Source } from '../source/source.ts'
import { type DomainOrder, orderOf } from './domain-order.ts'
import { joined, type Span } from './stretches.ts'

/** The rows of a table with these keys, as a domain of its own. Throws TerminalError (PARAMS_INVALID). */
export async function boundsOfKeys(
  source: Source,
  { id, source: definition }: Backfill,
  keys: NonNullable<RetryRequest['keys']>,
  signal: AbortSignal,
): Promise<PinnedBounds> {
  if (definition.kind !== 'postgres.table')
    throw invalid(
      `keys: the rows of "${id}" come from ${definition.kind}, and only those of a table have keys: give ranges`,
    )
  const [column = '', ...more] = definition.key
  if (more.length > 0)
    throw invalid(
      `keys: the key of "${id}" is (${definition.key.join(', ')}), and values of one column can be given: give ranges`,
    )
  return source.pin({ kind: 'list', column, values: 'keys', size: usualListSize }, { keys }, signal)
}

/** A domain restricted to ranges of it, in any order. Throws TerminalError (PARAMS_INVALID) with what is wrong with each. */
export function boundsOfRanges(bounds: PinnedBounds, ranges: NonNullable<RetryRequest['ranges']>): PinnedBounds {
  const order = orderOf(bounds)
  const read = ranges.map((range, at) => readRange(bounds, order, range, `ranges[${at}]`))
  const reasons = read.flatMap((range) => (Array.isArray(range) ? range : []))
  if (reasons.length > 0) throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons })
  const spans = read
    .flatMap((range) => (Array.isArray(range) ? [] : [range]))
    .sort((a, b) => (a.from < b.from ? -1 : 1))
  const only = joined(withoutOverlap(spans)).map(({ from, to }) => ({ from: order.text(from), to: order.text(to) }))
  return { ...bounds, only }
}

function readRange(
  bounds: PinnedBounds,
  { whole, value, text }: DomainOrder,
  { from, to }: NonNullable<RetryRequest['ranges']>[number],
  what: string,
): Span | string[] {
  const reasons: string[] = []
  const place = (name: 'from' | 'to', bound: string): bigint => {
    try {
      const at = value(bound)
      if (bounds.kind === 'time' && cuttableBelow(bounds.kind, at) !== at)
        reasons.push(`${what}.${name} is "${bound}": give whole milliseconds`)
      if (at < whole.from || at > whole.to)
        reasons.push(`${what}.${name} is "${bound}": the run is from ${text(whole.from)} to ${text(whole.to)}`)
      return at
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      reasons.push(`${what}.${name} is "${bound}": ${messageOf(error)}`)
      return whole.from
    }
  }
  const span = { from: place('from', from), to: place('to', to) }
  if (reasons.length === 0 && span.from >= span.to)
    reasons.push(`${what} is from "${from}" to "${to}": from must be below to`)
  return reasons.length > 0 ? reasons : span
}

/** Ascending by where they begin; what another one before has is left out. */
function* withoutOverlap(spans: readonly Span[]): Generator<Span> {
  let end: bigint | null = null
  for (const { from, to } of spans) {
    if (end === null || to > end) yield { from: end !== null && end > from ? end : from, to }
    if (end === null || to > end) end = to
  }
}

const invalid = (reason: string): TerminalError => new TerminalError('PARAMS_INVALID', reason)
