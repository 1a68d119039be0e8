import { TerminalError } from '../contract/errors.ts'
import type { RetryRequest } from '../contract/request.ts'
import { isTerminalRun } from '../contract/states.ts'
import { describeBackfill } from '../define/describe.ts'
import { type AskedRun, acceptRun } from './accept-run.ts'
import { checkRun } from './check-run.ts'
import { outlinePlan } from './plan-hash.ts'
import { retriedPartitions } from './retried-partitions.ts'
import type { NewRun, Run } from './run.ts'
import type { RunStore } from './run-store.ts'
import type { StartDeps } from './start-run.ts'

/**
 * Accepts a run of what failed in another one: the same partitions, of the same pinned bounds and params, by the
 * definition as it is now. Each begins anew: what the failed one had written of its range is written over.
 */
export function retryRun(deps: StartDeps, asked: AskedRun<RetryRequest>, signal: AbortSignal): Promise<void> {
  return acceptRun(deps, asked, async (): Promise<NewRun> => {
    const { request } = asked
    const of = await retriable(deps.runs, request)
    const discovered = deps.definitions.get(of.backfill)
    const { target } = await checkRun(deps, discovered, of.params, signal)
    const retry = { retryOf: of.id, retryOnly: request.partitionIds ?? null }
    const outline = await outlinePlan(discovered.hash, of.bounds, retriedPartitions(deps.runs, retry), signal)
    if (outline.partitions === 0)
      throw new TerminalError(
        'PARAMS_INVALID',
        `retry of run ${of.id}: it is ${of.state}, and no partition of it failed`,
      )
    return {
      id: deps.newRunId(),
      requestKey: request.requestKey,
      backfill: of.backfill,
      definitionHash: discovered.hash,
      definition: describeBackfill(discovered),
      params: of.params,
      target,
      bounds: of.bounds,
      range: of.range,
      earlierRuns: null,
      ...outline,
      priority: request.priority ?? of.priority,
      weight: request.weight ?? of.weight,
      ...retry,
      // All that failed of it done, the chain goes on from here.
      follow: of.follow && retry.retryOnly === null,
      follows: null,
    }
  })
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
