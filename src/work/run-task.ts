import type { Checkpoint } from '../contract/checkpoint.ts'
import { FencedError, messageOf } from '../contract/errors.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Log } from '../process/log.ts'
import { claimWhenFree, type HoldDeps, holdingOf, holdPartition } from './hold-partition.ts'
import { intentChanged } from './intents.ts'
import { ended, type Teller } from './partition-events.ts'
import { pause } from './pause.ts'
import { afterFailure, type RetryPolicy } from './retry.ts'
import { isInDoubt, settleDoubt } from './settle-doubt.ts'

export interface RunTaskDeps extends HoldDeps {
  readonly worker: string
  readonly retry: RetryPolicy
  random(this: void): number
  now(this: void): Date
  readonly log: Log
}

export type TaskOutcome =
  /** The terminal row was read and its event acknowledged: the offset may pass. */
  | 'finished'
  /** Stopped at a chunk boundary because it was asked to. */
  | 'interrupted'
  /** Somebody else holds the partition now: the offset is not ours to move. */
  | 'fenced'

/**
 * One task, from the first claim to its end. After any failure it claims again, which waits for a transaction in
 * doubt and returns what is true. Rejects never: what cannot go on becomes a failed partition.
 */
export async function runTask(
  deps: RunTaskDeps,
  task: TaskMessage,
  topicPartition: number,
  signal: AbortSignal,
  advanced: (checkpoint: Checkpoint) => void,
): Promise<TaskOutcome> {
  const log = deps.log.child({ runId: task.runId, partitionId: task.partitionId, index: task.index, topicPartition })
  const teller: Teller = { worker: deps.worker, task, topicPartition, now: deps.now }
  const tries = { attempt: 1, reached: -1 }
  const follow = (checkpoint: Checkpoint): void => {
    // Progress: earlier failures are no sign that this place cannot be passed.
    if (checkpoint.sequence > tries.reached) tries.attempt = 1
    tries.reached = Math.max(tries.reached, checkpoint.sequence)
    advanced(checkpoint)
  }
  while (!signal.aborted) {
    try {
      return await holdPartition(deps, teller, signal, follow)
    } catch (error) {
      if (signal.aborted) {
        if (signal.reason === intentChanged && isInDoubt(error))
          await settleDoubt(deps, teller, (reason) => log.warn({ reason }, 'not known yet whether a chunk was written'))
        break
      }
      if (error instanceof FencedError) {
        log.info({ reason: messageOf(error) }, 'another holder has the partition')
        return 'fenced'
      }
      const decision = afterFailure(error, tries.attempt, deps.retry, deps.random)
      if (decision.kind === 'fail') {
        log.error({ reason: decision.reason, attempt: tries.attempt, error: messageOf(error) }, 'partition failed')
        const outcome = await failPartition(deps, teller, decision.reason, messageOf(error), signal, log)
        if (outcome !== undefined) return outcome
        continue
      }
      log.warn({ attempt: tries.attempt, delayMs: decision.delayMs, error: messageOf(error) }, 'failed: trying again')
      if (decision.countsAsAttempt) tries.attempt += 1
      await pause(decision.delayMs, signal)
    }
  }
  return 'interrupted'
}

/** Marks the partition failed in the sink and tells it; undefined when that failed too, and the task must be tried again. */
async function failPartition(
  deps: RunTaskDeps,
  teller: Teller,
  reason: string,
  message: string,
  signal: AbortSignal,
  log: Log,
): Promise<TaskOutcome | undefined> {
  try {
    const { sink } = await deps.open(teller.task.backfill)
    const holding = holdingOf(teller)
    const claim = await claimWhenFree(sink, holding, signal)
    if (claim === undefined) return 'interrupted'
    const checkpoint =
      claim.kind === 'finished' ? claim.checkpoint : await sink.fail(holding, claim.checkpoint, reason, message)
    await deps.tell([ended(teller, checkpoint, { reason, message })])
    return 'finished'
  } catch (error) {
    if (error instanceof FencedError) return 'fenced'
    log.warn({ error: messageOf(error) }, 'the failure could not be written down yet')
    await pause(1_000 + deps.random() * 4_000, signal)
    return undefined
  }
}
