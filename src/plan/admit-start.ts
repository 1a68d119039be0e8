import { TerminalError } from '../contract/errors.ts'
import type { RequestKey } from '../contract/ids.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { StartRequest } from '../contract/request.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import type { Sink, SinkTarget } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { admitParams } from './admit-params.ts'
import type { RunStore } from './run-store.ts'

export interface AdmissionDeps {
  readonly runs: RunStore
  openSource(discovered: DiscoveredBackfill): Source
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
}

export interface Admitted {
  readonly target: SinkTarget
  /** The domain as it is now, pinned. */
  readonly bounds: PinnedBounds
}

/**
 * Where rows go, and the domain pinned. Throws TerminalError with everything that is wrong at once: params, source, sink,
 * and a live run on the same target.
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
    opening.then((sink) => freeTarget(deps.runs, sink, request.requestKey)),
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

async function freeTarget(runs: RunStore, sink: Sink, requestKey: RequestKey): Promise<SinkTarget> {
  const target = await sink.target()
  const live = await runs.liveRunOn(target)
  // Under the same key, another planner was faster with this very request: it is found by its key.
  if (live !== null && live.requestKey !== requestKey)
    throw new TerminalError(
      'TARGET_BUSY',
      `run ${live.id} of backfill "${live.backfill}" (request key "${live.requestKey}") is ${live.state} on the same target, ${target.name}: wait until it has ended`,
    )
  return target
}
