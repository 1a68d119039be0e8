import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { StartRequest } from '../contract/request.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import type { Sink, SinkTarget } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { admitParams } from './admit-params.ts'

export interface AdmissionDeps {
  openSource(discovered: DiscoveredBackfill): Source
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
}

export interface Admitted {
  readonly target: SinkTarget
  /** The domain as it is now, pinned. */
  readonly bounds: PinnedBounds
}

/**
 * Where rows go, and the domain pinned. Throws TerminalError with everything that is wrong at once: params, source and
 * sink.
 */
export async function admitStart(
  deps: AdmissionDeps,
  discovered: DiscoveredBackfill,
  request: StartRequest,
  signal: AbortSignal,
): Promise<Admitted> {
  const source = deps.openSource(discovered)
  const opening = deps.openSink(discovered)
  const [params, target, ...checks] = await Promise.allSettled([
    admitParams(discovered.backfill, request.params),
    opening.then((sink) => sink.target()),
    source.check(signal),
    opening.then((sink) => sink.check(signal)),
  ])
  // A sink that cannot be opened fails two of them with one error.
  const errors = new Set(
    [params, target, ...checks].flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : [])),
  )
  const [first] = errors
  for (const error of errors) if (!(error instanceof TerminalError)) throw error
  if (first instanceof TerminalError || params.status === 'rejected' || target.status === 'rejected') {
    const reasons = [...errors].flatMap((error) => (error instanceof TerminalError ? error.reasons : []))
    throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons, cause: first })
  }
  return { target: target.value, bounds: await source.pin(discovered.backfill.partitionBy, params.value, signal) }
}
