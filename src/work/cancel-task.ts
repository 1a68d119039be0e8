import { messageOf } from '../contract/errors.ts'
import type { TaskMessage } from '../contract/task.ts'
import { holdingOf } from './hold-partition.ts'
import { pause } from './pause.ts'
import { type RunTaskDeps, type TaskOutcome, type TaskPlace, tellerOf } from './run-task.ts'
import { tellEnd } from './tell-end.ts'

/**
 * Ends a task whose run or partition is cancelled: the checkpoint row becomes terminal, if it is not, its end is told,
 * and only then the offset may pass. The supervisor does the same for what no worker has; whoever comes second finds
 * the row terminal. Rejects never.
 */
export async function cancelTask(
  deps: RunTaskDeps,
  task: TaskMessage,
  place: TaskPlace,
  signal: AbortSignal,
): Promise<TaskOutcome> {
  const teller = tellerOf(deps, task, place)
  while (!signal.aborted)
    try {
      const { sink } = await deps.open(task.backfill)
      const [checkpoint] = await sink.cancel([holdingOf(teller)])
      if (checkpoint === undefined) throw new TypeError(`cancelling partition ${task.partitionId} gave no row`)
      await deps.mark?.('C3')
      await tellEnd(deps, teller, checkpoint)
      return 'finished'
    } catch (error) {
      const { runId, partitionId } = task
      deps.log.warn({ runId, partitionId, error: messageOf(error) }, 'the partition is not cancelled yet')
      await pause(1_000 + deps.random() * 4_000, signal)
    }
  return 'interrupted'
}
