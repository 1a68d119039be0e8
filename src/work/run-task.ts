import type { Checkpoint } from '../contract/checkpoint.ts'
import { FencedError, messageOf } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Log } from '../process/log.ts'
import type { Failure } from '../sink/sink.ts'
import { claimWhenFree, type HoldDeps, holdingOf, holdPartition } from './hold-partition.ts'
import { intentChanged } from './intents.ts'
import type { Teller } from './partition-events.ts'
import { pause } from './pause.ts'
import { withoutValues } from './redact.ts'
import { afterFailure, type Decision, type RetryPolicy } from './retry.ts'
import { isInDoubt, settleDoubt } from './settle-doubt.ts'
import type { TaskMemory } from './task-memory.ts'
import { tellEnd } from './tell-end.ts'

export interface RunTaskDeps extends HoldDeps {
  readonly worker: string
  /** Name of the task topic. */
  readonly taskTopic: string
  readonly retry: RetryPolicy
  /** Asks for a pause of the run, whose error budget is spent; the planner decides. The same again is harmless. */
  parkRun(runId: RunId): Promise<void>
  random(this: void): number
  now(this: void): Date
  readonly log: Log
}

/** Where a task stands in the task topic. */
export interface TaskPlace {
  readonly topicPartition: number
  readonly offset: bigint
}

export type TaskOutcome =
  /** The terminal row was read and its event acknowledged: the offset may pass. */
  | 'finished'
  /** Stopped at a chunk boundary because it was asked to. */
  | 'interrupted'
  /** Somebody else holds the partition now: the offset is not ours to move. */
  | 'fenced'
  /** It failed and is to be tried again after this time; meanwhile its slot is free. */
  | { readonly restMs: number }

export const tellerOf = (
  { worker, taskTopic: topic, now }: Pick<RunTaskDeps, 'worker' | 'taskTopic' | 'now'>,
  task: TaskMessage,
  place: TaskPlace,
): Teller => ({ worker, task, topic, ...place, now })

/** How long a task whose run is to be parked waits for that. */
const parkingMs = 2_000

/**
 * One try at a task, from the claim to its end. After a failure it claims again, which waits for a transaction in doubt
 * and returns what is true. Rejects never: what cannot go on becomes a failed partition.
 */
export async function runTask(
  deps: RunTaskDeps,
  task: TaskMessage,
  place: TaskPlace,
  memory: TaskMemory,
  signal: AbortSignal,
  advanced: (checkpoint: Checkpoint) => void,
): Promise<TaskOutcome> {
  const { runId, partitionId, index } = task
  // Made when there is something to say: of most tasks there is not.
  const log = (): Log => deps.log.child({ runId, partitionId, index, topicPartition: place.topicPartition })
  const teller = tellerOf(deps, task, place)
  while (!signal.aborted) {
    try {
      if (memory.verdict !== undefined) return await failPartition(deps, teller, memory.verdict, signal)
      return await holdPartition(deps, teller, memory, signal, advanced)
    } catch (error) {
      memory.isInDoubt ||= isInDoubt(error)
      if (signal.aborted) break
      if (error instanceof FencedError) {
        log().info({ reason: messageOf(error) }, 'another holder has the partition')
        return 'fenced'
      }
      const restMs = await restAfter(deps, teller, memory, error, log())
      // In doubt it stays: until it has claimed again, nobody may say that nothing of it is written any more.
      if (memory.isInDoubt) await pause(restMs, signal)
      else if (restMs > 0) return { restMs }
    }
  }
  if (memory.isInDoubt && signal.reason === intentChanged)
    await settleDoubt(deps, teller, (reason) => log().warn({ reason }, 'not known yet whether a chunk was written'))
  return 'interrupted'
}

/** Takes the failure in, and says how long the task is to rest. */
async function restAfter(
  deps: RunTaskDeps,
  teller: Teller,
  memory: TaskMemory,
  error: unknown,
  log: Log,
): Promise<number> {
  const opened = await deps.open(teller.task.backfill).catch(() => undefined)
  const message = withoutValues(messageOf(error), opened?.backfill.redact ?? [])
  if (memory.verdict !== undefined) {
    log.warn({ error: message }, 'the failure could not be written down yet')
    return 1_000 + deps.random() * 4_000
  }
  const decision = afterFailure(
    error,
    memory.failuresHere(opened === undefined ? 1 : deps.pace.chunkRows(teller.task.runId, opened.backfill.limits)),
    deps.retry,
    deps.random,
  )
  switch (decision.kind) {
    case 'fail': {
      const { reason, attempts } = decision
      log.error({ reason, attempts, error: message }, 'partition failed')
      memory.verdict = { reason, message, attempts, sample: memory.sample }
      return 0
    }
    case 'parkRun':
      log.error({ error: message }, 'the error budget of the run is spent: the run is to be parked')
      await deps.parkRun(teller.task.runId).catch((failure: unknown) => {
        log.warn({ error: messageOf(failure) }, 'parking the run could not be asked for yet')
      })
      return parkingMs
    case 'again':
      takeIn(memory, decision)
      if (decision.split) await wantSplit(deps, teller, log)
      log.warn(
        { attempts: decision.after.attempts, chunkRows: memory.chunkRows, delayMs: decision.delayMs, error: message },
        'failed: trying again',
      )
      return decision.delayMs
  }
}

function takeIn(memory: TaskMemory, { after }: Extract<Decision, { kind: 'again' }>): void {
  if (after.halvings > 0) memory.chunkRows = after.chunkRows
  memory.here = after
}

/** A hint for whoever decides on splits: that it could not be left costs nothing. */
async function wantSplit(deps: RunTaskDeps, teller: Teller, log: Log): Promise<void> {
  try {
    const { sink } = await deps.open(teller.task.backfill)
    await sink.wantSplit(holdingOf(teller))
    log.warn({}, 'smaller chunks do not help either: the partition is to be split')
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'that the partition is to be split could not be noted down')
  }
}

/** Marks the partition failed in the sink and tells it. */
async function failPartition(
  deps: RunTaskDeps,
  teller: Teller,
  failure: Failure,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  const { sink } = await deps.open(teller.task.backfill)
  const holding = holdingOf(teller)
  const claim = await claimWhenFree(sink, holding, deps.mayClaim, signal)
  if (claim === undefined) return 'interrupted'
  const checkpoint = claim.kind === 'finished' ? claim.checkpoint : await sink.fail(holding, claim.checkpoint, failure)
  await tellEnd(deps, teller, checkpoint)
  return 'finished'
}
