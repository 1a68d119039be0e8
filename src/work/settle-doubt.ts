import { messageOf, RetryableError } from '../contract/errors.ts'
import { type HoldDeps, holdingOf } from './hold-partition.ts'
import type { Teller } from './partition-events.ts'

const tries = 10

export const isInDoubt = (error: unknown): boolean =>
  error instanceof RetryableError && error.code === 'OUTCOME_UNKNOWN'

/**
 * Waits until the last chunk of a task that is to be paused is either written or not: a COMMIT whose reply was lost may
 * still be carried out, and then a chunk would commit after the pause was acknowledged. A claim waits behind it.
 */
export async function settleDoubt(deps: HoldDeps, teller: Teller, say: (error: string) => void): Promise<void> {
  for (let left = tries; left > 0; left -= 1)
    try {
      const { sink } = await deps.open(teller.task.backfill)
      await sink.claim(holdingOf(teller))
      return
    } catch (error) {
      say(messageOf(error))
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
}
