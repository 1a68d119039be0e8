import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { TaskMessage } from '../contract/task.ts'
import { partitionIdOf } from '../plan/partition-id.ts'

/**
 * A message as a task. The id of a planned partition follows from its place and bounds: a message that names others
 * would be believed by the first claim, when no checkpoint row contradicts it, and rows would be lost or done twice.
 * Throws TerminalError (MESSAGE_INVALID).
 */
export function readTask(json: unknown): TaskMessage {
  const parsed = TaskMessage.safeParse(json)
  if (!parsed.success) throw new TerminalError('MESSAGE_INVALID', z.prettifyError(parsed.error))
  const { runId, partitionId, index, range } = parsed.data
  if (partitionIdOf(runId, { index, ...range }) !== partitionId)
    throw new TerminalError(
      'MESSAGE_INVALID',
      `partition ${partitionId} of run ${runId} is not number ${index} from ${range.from} to ${range.to}: ` +
        'the message is not what the planner published',
    )
  return parsed.data
}
