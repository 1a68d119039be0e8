import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { Reprocess } from '../contract/request.ts'
import { orderOf } from './domain-order.ts'
import type { Stretch } from './earlier-work.ts'
import { joined, minus, type Span } from './stretches.ts'

/** They are stored with the run. */
const mostRanges = 10_000

/** What a policy never wants done again. */
type Kept = Stretch & { readonly did: Exclude<Stretch['did'], 'failed'> }

/** A range that a run leaves out; `runId` is null where none ever tried it. */
export interface LeftOut {
  readonly from: string
  readonly to: string
  readonly why: Kept['did'] | 'never tried'
  readonly runId: RunId | null
}

/** What is left of a domain when a policy has left out what it does not want. */
export interface Selection {
  readonly bounds: PinnedBounds
  readonly leftOut: readonly LeftOut[]
}

/**
 * The domain, restricted to what of it a policy wants done. What is in flight is not wanted: the run that has it may do it.
 * Throws TerminalError when nothing is left (PARAMS_INVALID), or more ranges than a run can hold (PLAN_INVALID).
 */
export function selected(
  bounds: PinnedBounds,
  policy: Exclude<Reprocess, 'all'>,
  stretches: readonly Stretch[],
): Selection {
  const { whole, text } = orderOf(bounds)
  const [failed, others] = [stretches.filter(({ did }) => did === 'failed'), stretches.filter(isKept)]
  const neverTried: Span[] = policy === 'failed' ? [...minus([whole], stretches)] : []
  const wanted = joined<Span>(policy === 'failed' ? failed : minus([whole], others))
  const domain = `${text(whole.from)} to ${text(whole.to)}`
  if (whole.from === whole.to) throw new TerminalError('PARAMS_INVALID', `reprocess "${policy}": ${domain} is empty`)
  if (wanted.length === 0) throw nothingLeft(policy, domain, others)
  if (wanted.length > mostRanges)
    throw new TerminalError(
      'PLAN_INVALID',
      `reprocess "${policy}": that is ${count(wanted.length)} separate ranges, and a run holds ${count(mostRanges)}: ask for a part of the domain, or for all`,
    )
  const leftOut = [
    ...others.map(({ from, to, did, runId }) => ({ from, to, why: did, runId })),
    ...neverTried.map(({ from, to }) => ({ from, to, why: 'never tried' as const, runId: null })),
  ]
  return {
    bounds: { ...bounds, only: wanted.map(({ from, to }) => ({ from: text(from), to: text(to) })) },
    leftOut: leftOut
      .sort((a, b) => (a.from < b.from ? -1 : 1))
      .map((range) => ({ ...range, from: text(range.from), to: text(range.to) })),
  }
}

const isKept = (stretch: Stretch): stretch is Kept => stretch.did !== 'failed'
const count = (number: number): string => number.toLocaleString('en')

function nothingLeft(policy: string, domain: string, others: readonly Stretch[]): TerminalError {
  const runs = [...new Set(others.map(({ runId }) => runId))]
  const [first = '', ...more] = runs
  const who =
    first === ''
      ? 'no earlier run with these params tried any of it'
      : `run ${first}${more.length === 0 ? ' has it' : ` and ${count(more.length)} more have it`}`
  const what = policy === 'failed' ? 'failed' : 'is missing'
  return new TerminalError('PARAMS_INVALID', `reprocess "${policy}": nothing of ${domain} ${what}: ${who}`)
}
