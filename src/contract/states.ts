import { z } from 'zod'

/** Every move a run can make. A state without moves is terminal. */
export const runTransitions = {
  planning: ['running', 'failed', 'cancelled'],
  running: ['paused', 'completed', 'failed', 'cancelled'],
  paused: ['running', 'cancelled'],
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
export const isTerminalRun = (state: RunState): boolean => runTransitions[state].length === 0
