import { z } from 'zod'

/** Every move a run can make. A state without moves is terminal. */
export const runTransitions = {
  // Until its target is free, and fewer runs are live.
  queued: ['planning', 'failed', 'cancelling'],
  planning: ['running', 'paused', 'failed', 'cancelling'],
  running: ['paused', 'completed', 'failed', 'cancelling'],
  // A pause that comes after the last chunk stops nothing: the run ends all the same.
  paused: ['running', 'completed', 'failed', 'cancelling'],
  // Until every partition is terminal in the sink; the target stays taken, for a chunk may still commit.
  cancelling: ['cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<string, readonly string[]>

/** Every move a partition can make. `running` to `running` is another claim; `failed` to `pending` an audited retry. */
export const partitionTransitions = {
  pending: ['running', 'cancelled'],
  running: ['running', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: ['pending'],
  cancelled: [],
} as const satisfies Record<string, readonly string[]>

export type RunState = keyof typeof runTransitions
export type PartitionState = keyof typeof partitionTransitions

export const RunState = z.enum(Object.keys(runTransitions) as [RunState, ...RunState[]])
export const PartitionState = z.enum(Object.keys(partitionTransitions) as [PartitionState, ...PartitionState[]])

/** Nothing happens any more: the task's offset may pass. */
export const isTerminalPartition = (state: PartitionState): boolean => state !== 'pending' && state !== 'running'
export const canMove = (from: RunState, to: RunState): boolean =>
  (runTransitions[from] as readonly RunState[]).includes(to)
export const isTerminalRun = (state: RunState): boolean => runTransitions[state].length === 0
