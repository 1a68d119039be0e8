import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import type { RetryRequest } from '../contract/request.ts'
import { isTerminalRun } from '../contract/states.ts'
import type { Backfill } from '../define/define-backfill.ts'
import { describeBackfill } from '../define/describe.ts'
import type { Source } from '../source/source.ts'
import { type AskedRun, acceptRun } from './accept-run.ts'
import { checkRun } from './check-run.ts'
import { rangeOf } from './pinned-domain.ts'
import { outlinePlan } from './plan-hash.ts'
import { boundsOfKeys, boundsOfRanges } from './retried-bounds.ts'
import { partitionsOf } from './retried-partitions.ts'
import type { NewRun, RetryWhat, Run } from './run.ts'
import type { RunStore } from './run-store.ts'
import type { StartDeps } from './start-run.ts'

/**
 * Accepts a run of a part of another one: of partitions as they were cut then, or of ranges or keys that are cut anew,
 * with the same params, by the definition as it is now. Each begins anew: what was written of its range is written over.
 */
export function retryRun(deps: StartDeps, asked: AskedRun<RetryRequest>, signal: AbortSignal): Promise<void> {
  return acceptRun(deps, asked, async (): Promise<NewRun> => {
    const { request } = asked
    const of = await retriable(deps.runs, request)
    const discovered = deps.definitions.get(of.backfill)
    const { source, sink, target } = await checkRun(deps, discovered, of.params, signal)
    const { backfill, hash } = discovered
    const bounds = await boundsOf(request, of, source, backfill, signal)
    // Refuses what the sink cannot own a range of, before anything is planned.
    sink.buffer(rangeOf(bounds))
    const retry = {
      retryOf: of.id,
      retryWhat: whatOf(request),
      retryOnly: request.partitionIds ?? null,
    }
    const outline = await outlinePlan(
      hash,
      bounds,
      partitionsOf(deps.runs, { bounds, ...retry }, backfill.partitionBy),
      signal,
    )
    if (outline.partitions === 0)
      throw new TerminalError(
        'PARAMS_INVALID',
        `retry of run ${of.id}: it is ${of.state}, and no partition of it ${retry.retryWhat === 'rejected' ? 'has rejected rows' : 'failed'}`,
      )
    return {
      id: deps.newRunId(),
      requestKey: request.requestKey,
      backfill: of.backfill,
      definitionHash: hash,
      definition: describeBackfill(discovered),
      params: of.params,
      target,
      bounds,
      range: rangeOf(bounds),
      earlierRuns: null,
      ...outline,
      priority: request.priority ?? of.priority,
      weight: request.weight ?? of.weight,
      ...retry,
      // All that failed of it done, the chain goes on from here.
      follow: of.follow && retry.retryWhat === 'failed',
      follows: null,
    }
  })
}

function whatOf({ partitionIds, rejected, ranges, keys }: RetryRequest): RetryWhat {
  if (ranges !== undefined || keys !== undefined) return 'cut'
  if (rejected !== undefined) return 'rejected'
  return partitionIds === undefined ? 'failed' : 'named'
}

async function boundsOf(
  { ranges, keys }: RetryRequest,
  { bounds }: Run,
  source: Source,
  backfill: Backfill,
  signal: AbortSignal,
): Promise<PinnedBounds> {
  if (keys !== undefined) return boundsOfKeys(source, backfill, keys, signal)
  return ranges === undefined ? bounds : boundsOfRanges(bounds, ranges)
}

async function retriable(runs: RunStore, { runId, partitionIds }: RetryRequest): Promise<Run> {
  const run = await runs.runOf(runId)
  if (run === null) throw new TerminalError('NOT_FOUND', `retry of run ${runId}: no such run is known`)
  if (!isTerminalRun(run.state))
    throw new TerminalError(
      'PARAMS_INVALID',
      `retry of run ${runId}: it is ${run.state}; what failed in it can be done again when it has ended`,
    )
  if (partitionIds === undefined) return run
  const states = await runs.partitionStates(runId, partitionIds)
  const reasons = partitionIds.flatMap((partitionId) => {
    const state = states.get(partitionId)
    if (state === undefined) return [`retry of partition ${partitionId}: run ${runId} has no such partition`]
    return state === 'completed'
      ? [`retry of partition ${partitionId}: it is completed, there is nothing to do again`]
      : []
  })
  if (reasons.length > 0) throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons })
  return run
}
