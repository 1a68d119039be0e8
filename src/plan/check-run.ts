import { TerminalError } from '../contract/errors.ts'
import type { StartRequest } from '../contract/request.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { Sink, SinkTarget } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { admitParams } from './admit-params.ts'

export interface CheckDeps {
  openSource(discovered: DiscoveredBackfill): Source
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
}

export interface CheckedRun {
  readonly source: Source
  readonly sink: Sink
  readonly target: SinkTarget
  /** As the definition's own schema makes them. */
  readonly params: AnyRow
}

/** All that a run needs. Throws TerminalError with everything that is wrong at once: params, source and sink. */
export async function checkRun(
  deps: CheckDeps,
  discovered: DiscoveredBackfill,
  given: StartRequest['params'],
  signal: AbortSignal,
): Promise<CheckedRun> {
  const source = deps.openSource(discovered)
  const opening = deps.openSink(discovered)
  const [params, target, sink, ...checks] = await Promise.allSettled([
    admitParams(discovered.backfill, given),
    opening.then((open) => open.target()),
    opening,
    source.check(signal),
    opening.then((open) => open.check(signal)),
  ])
  // A sink that cannot be opened fails several of them with one error.
  const errors = new Set(
    [params, target, sink, ...checks].flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    ),
  )
  for (const error of errors) if (!(error instanceof TerminalError)) throw error
  if (
    params.status === 'fulfilled' &&
    target.status === 'fulfilled' &&
    sink.status === 'fulfilled' &&
    errors.size === 0
  )
    return { source, sink: sink.value, target: target.value, params: params.value }
  const [first] = errors
  const reasons = [...errors].flatMap((error) => (error instanceof TerminalError ? error.reasons : []))
  throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons, cause: first })
}
