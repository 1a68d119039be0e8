import canonicalize from 'canonicalize'
import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { StartRequest } from '../contract/request.ts'
import type { Backfill } from '../define/define-backfill.ts'
import { followProblem } from '../define/follow.ts'
import type { Run, RunStore } from './run-store.ts'

/** Whether a run is to be followed by another one when it has completed. Throws TerminalError (PARAMS_INVALID). */
export function isFollowed({ follow }: Pick<StartRequest, 'follow'>, backfill: Backfill): boolean {
  const problem = follow === true ? followProblem(backfill.partitionBy) : null
  if (problem !== null) throw new TerminalError('PARAMS_INVALID', `backfill "${backfill.id}": ${problem}`)
  return follow ?? backfill.follow
}

/** The run that a request wants to follow. Throws TerminalError with every reason why it cannot. */
export async function followedRun(
  runs: Pick<RunStore, 'runOf' | 'followerOf'>,
  { backfill: id, params }: Pick<StartRequest, 'backfill' | 'params'>,
  follows: RunId,
  backfill: Backfill,
): Promise<Run> {
  const [run, follower] = await Promise.all([runs.runOf(follows), runs.followerOf(follows)])
  if (run === null) throw new TerminalError('NOT_FOUND', `follows run ${follows}: no such run is known`)
  const problem = followProblem(backfill.partitionBy)
  const reasons = [
    ...(problem === null ? [] : [`backfill "${id}": ${problem}`]),
    ...(run.backfill === id ? [] : [`follows run ${follows}: that is a run of "${run.backfill}", not of "${id}"`]),
    ...(run.state === 'completed'
      ? []
      : [`follows run ${follows}: it is ${run.state}; only a completed run is followed`]),
    ...(follower === null ? [] : [`follows run ${follows}: run ${follower} does`]),
    ...(canonicalize(run.params) === canonicalize(params)
      ? []
      : [`follows run ${follows}: its params are ${canonicalize(run.params)}, and those of the next must be the same`]),
  ]
  if (reasons.length > 0) throw new TerminalError('PARAMS_INVALID', reasons.join('; '), { reasons })
  return run
}
