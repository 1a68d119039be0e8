import { TerminalError } from '../contract/errors.ts'
import type { KeyRange } from '../contract/range.ts'
import type { StartRequest } from '../contract/request.ts'
import { describeBackfill } from '../define/describe.ts'
import type { Definitions } from '../define/discover.ts'
import { type AcceptDeps, type AskedRun, acceptRun } from './accept-run.ts'
import { requireApproved } from './approved-plan.ts'
import { type CheckDeps, checkRun } from './check-run.ts'
import { cut } from './cut.ts'
import { type EarlierWorkOptions, earlierWork } from './earlier-work.ts'
import { followedRun, isFollowed } from './followed-run.ts'
import { rangeOf } from './pinned-domain.ts'
import { outlinePlan } from './plan-hash.ts'
import { selected } from './reprocess.ts'
import type { NewRun, Run } from './run.ts'

export interface StartDeps extends AcceptDeps, CheckDeps {
  readonly definitions: Definitions
}

/** Pins the domain as it is now, and accepts the run. */
export function startRun(deps: StartDeps, asked: AskedRun<StartRequest>, signal: AbortSignal): Promise<void> {
  return acceptRun(deps, asked, async (): Promise<NewRun> => {
    const { request } = asked
    const discovered = deps.definitions.get(request.backfill)
    const { backfill, hash } = discovered
    const { source, sink, target, params } = await checkRun(deps, discovered, request.params, signal)
    const follow = isFollowed(request, backfill)
    const { follows = null } = request
    const before = follows === null ? null : await followedRun(deps.runs, request, follows, backfill)
    const pinned = await source.pin(backfill.partitionBy, params, signal, before?.bounds)
    const { bounds, earlierRuns } = await wanted(deps, request, { backfill, target, params, bounds: pinned }, signal)
    // Refuses what the sink cannot own a range of, before anything is planned.
    sink.buffer(rangeOf(bounds))
    if (before !== null) requireMore(before, rangeOf(bounds))
    // The next run begins above these bounds: what came in below them later, nobody would see.
    if (follow || before !== null) await source.settle?.(signal)
    const outline = await outlinePlan(hash, bounds, cut(bounds, backfill.partitionBy), signal)
    requireApproved(request, { definitionHash: hash, range: rangeOf(bounds), ...outline })
    return {
      id: deps.newRunId(),
      requestKey: request.requestKey,
      backfill: backfill.id,
      definitionHash: hash,
      definition: describeBackfill(discovered),
      params: request.params,
      target,
      bounds,
      range: rangeOf(bounds),
      ...outline,
      earlierRuns,
      priority: request.priority ?? 0,
      weight: request.weight ?? 1,
      retryOf: null,
      retryWhat: null,
      retryOnly: null,
      follow,
      follows,
    }
  })
}

/** A run that follows another one has something to do. */
function requireMore({ id, range }: Run, { from, to }: KeyRange): void {
  if (from !== to) return
  throw new TerminalError('PARAMS_INVALID', `follows run ${id}: the source has no rows above ${range.to} yet`)
}

/** What of the domain the request wants done. Throws TerminalError when that is nothing, or cannot be known yet. */
async function wanted(
  { runs }: Pick<StartDeps, 'runs'>,
  { reprocess = 'all' }: StartRequest,
  of: EarlierWorkOptions,
  signal: AbortSignal,
): Promise<Pick<NewRun, 'bounds' | 'earlierRuns'>> {
  if (reprocess === 'all') return { bounds: of.bounds, earlierRuns: null }
  const { stretches, runs: earlierRuns } = await earlierWork(runs, of, signal)
  const live = stretches.find(({ did }) => did === 'in flight')
  if (live !== undefined)
    throw new TerminalError(
      'PARAMS_INVALID',
      `reprocess "${reprocess}": run ${live.runId} still works on the domain: ask again when it has ended`,
    )
  return { bounds: selected(of.bounds, reprocess, stretches).bounds, earlierRuns }
}
