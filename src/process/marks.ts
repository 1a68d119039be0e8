/**
 * Every point at which a process can die that the protocol tells apart, by the name of its place in the order of effects.
 * What is durable at each, and why nothing is lost or doubled: docs/guarantees.md.
 */
export const markNames = {
  R0: 'a request was sent, its acknowledgement not used',
  R1: 'the planner has the request, nothing is stored',
  R2: 'bounds are pinned, the run is about to be stored',
  R3: 'the run is stored, without partitions',
  R4: 'a page of the plan is stored',
  R5: 'some tasks are published and counted, others are not',
  R6: 'tasks are published, not counted',
  R7: 'run.planned is told, the run does not run yet',
  W0: 'the worker has fetched tasks',
  W1: 'a partition is claimed',
  W2: 'a chunk is read into memory',
  W3: 'the fence has passed, the transaction is open',
  W4: 'the rows are in, the transaction is open',
  W5: 'COMMIT is sent, its answer not used',
  W6: 'a chunk is committed, not told',
  W7: 'a chunk is told, the lane does not know',
  W8: 'the last chunk is committed, not told',
  W9: 'the end is told, the lane does not know',
  W10: 'an offset commit is sent, its answer not used',
  W11: 'an offset is committed',
  L1: 'events are read, not recorded',
  L2: 'events and their offset are recorded',
  W18: 'the rows of a chunk that the server refuses are found, nothing of it is written',
  C1: 'an intent is stored, its control message not published',
  C2: 'the supervisor has cancelled a page of rows, their ends are not told',
  C3: 'a worker has cancelled the row of its task, its end is not told',
  C4: 'the end of a run is stored, not told',
  P1: 'an intent is obeyed, not acknowledged',
  P2: 'a control message is published, the request not answered',
  Q1: 'an end that the ledger had not heard of is told again',
  Q2: 'tasks are published again, the event is not',
  Q3: 'the end of a run is stored and told, not known to be told',
  Q4: 'the end of a run is known to be told',
} as const

export type MarkName = keyof typeof markNames

/**
 * Called at each passing, and waited for. Whoever composes a role may have it hurt the process; else nothing happens.
 * W1 tells which partition is claimed.
 */
export type Mark = (name: MarkName, partitionId?: string) => Promise<void> | void

export const noMark: Mark = () => {}
