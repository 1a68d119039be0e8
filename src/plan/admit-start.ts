import { TerminalError } from '../contract/errors.ts'
import type { RequestKey } from '../contract/ids.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { StartRequest } from '../contract/request.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import type { Sink } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { admitParams } from './admit-params.ts'
import type { RunStore } from './run-store.ts'

export interface AdmissionDeps {
  readonly runs: RunStore
  openSource(discovered: DiscoveredBackfill): Source
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
}

/**
 * The domain as it is now, pinned. Throws TerminalError with everything that is wrong at once: params, source, sink,
 * and a live run on the same target.
 */
export async function admitStart(
  deps: AdmissionDeps,
  discovered: DiscoveredBackfill,
  request: StartRequest,
  target: string,
  signal: AbortSignal,
): Promise<PinnedBounds> {
  const source = deps.openSource(discovered)
  const [params, ...checks] = await Promise.allSettled([
    admitParams(discovered.backfill, request.params),
    source.check(signal),
    deps.openSink(discovered).then((sink) => sink.check(signal)),
    refuseBusy(deps.runs, target, request.requestKey),
  ])
  const errors = [params, ...checks].flatMap((result): unknown[] =>
    result.status === 'rejected' ? [result.reason] : [],
  )
  const [first] = errors
  for (const error of errors) if (!(error instanceof TerminalError)) throw error
  if (first instanceof TerminalError || params.status === 'rejected') {
    const reasons = errors.flatMap((error) => (error instanceof TerminalError ? error.reasons : []))
    throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons, cause: first })
  }
  return source.pin(discovered.backfill.partitionBy, params.value, signal)
}

async function refuseBusy(runs: RunStore, target: string, requestKey: RequestKey): Promise<void> {
  const live = await runs.liveRunOn(target)
  // Under the same key, another planner was faster with this very request: it is found by its key.
  if (live !== null && live.requestKey !== requestKey)
    throw new TerminalError(
      'TARGET_BUSY',
      `run ${live.id} of backfill "${live.backfill}" (request key "${live.requestKey}") is ${live.state} on the same target, ${target}: wait until it has ended`,
    )
}
