import { addTotals, noTotals, type Totals } from '../contract/certificate.ts'
import { compareCheckpoints } from '../contract/checkpoint.ts'
import type { Intent } from '../contract/control.ts'
import type { PartitionId, WorkerId } from '../contract/ids.ts'
import { isTerminalPartition, isTerminalRun, type RunState } from '../contract/states.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'

/** How far the ledger says a partition is. */
export interface RecordedPartition {
  readonly epoch: number
  readonly sequence: number
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled'
  readonly worker: WorkerId
  readonly topicPartition: number
}

export interface PlannedPartitionState {
  readonly partitionId: PartitionId
  readonly index: number
}

/** A difference seen before: it is acted on when it is still there `patienceMs` later. */
export interface Sighting {
  readonly what: 'stranded' | 'untold'
  /** Progress of the partition then: any progress since begins a new sighting. */
  readonly progress: string
  readonly sinceMs: number
}
export type Sightings = ReadonlyMap<PartitionId, Sighting>

export interface Look {
  /** Of a clock that never goes back. */
  readonly nowMs: number
  /** How long a difference must last before it is one: events and offsets are allowed to be late. */
  readonly patienceMs: number
  /** How long a holder that says nothing may still be at work. */
  readonly leaseMs: number
  readonly state: RunState
  /** What is wanted of a partition: the stricter of its own intent and its run's. */
  intent(this: void, partitionId: PartitionId): Intent
  readonly plan: readonly PlannedPartitionState[]
  /** Whether the task of a partition, by its index, was ever published: until then it is the planner's business. */
  isPublished(this: void, index: number): boolean
  readonly checkpoints: ReadonlyMap<PartitionId, StoredCheckpoint>
  readonly ledger: ReadonlyMap<PartitionId, RecordedPartition>
  /** Whether an open task covers a partition; undefined while nobody knows, when none is acted on. */
  readonly covered: ((partitionId: PartitionId) => boolean) | undefined
  /** As the look before returned them. */
  readonly before: Sightings
}

export interface Difference {
  /** The run has ended: every partition is terminal in the sink, and the ledger knows it; or it had ended before. */
  readonly ended: {
    readonly state: 'completed' | 'failed' | 'cancelled'
    readonly partitionsFailed: number
    readonly partitionsCancelled: number
    readonly totals: Totals
  } | null
  /** Cancelled, and not terminal in the sink: to be ended there. */
  readonly unswept: readonly PartitionId[]
  /** Live partitions that no open task covers: their tasks are to be published again. */
  readonly stranded: readonly PartitionId[]
  /** Terminal in the sink, and the ledger has not heard of it: the end is to be told again. */
  readonly untold: readonly StoredCheckpoint[]
  /** More than half of the partitions that ended have failed, and they are enough to judge by: the run is to be parked. */
  readonly tripped: boolean
  readonly sightings: Sightings
}

/** Partitions that must have ended before failures are taken for those of the run. */
const leastEnded = 50

/** Compares plan, checkpoint rows, ledger and open tasks of one run. The checkpoint rows are the truth. */
export function compareRun(look: Look): Difference {
  const sightings = new Map<PartitionId, Sighting>()
  const stranded: PartitionId[] = []
  const untold: StoredCheckpoint[] = []
  const unswept: PartitionId[] = []
  let unfinished = 0

  /** True when the same was seen before, long enough ago; then it begins anew, or it would be acted on at every look. */
  const lasted = (partitionId: PartitionId, what: Sighting['what'], progress: string, waitMs: number): boolean => {
    const seen = look.before.get(partitionId)
    const same = seen?.what === what && seen.progress === progress
    const due = same && look.nowMs - seen.sinceMs >= waitMs
    sightings.set(partitionId, due || !same ? { what, progress, sinceMs: look.nowMs } : seen)
    return due
  }

  for (const { partitionId, index } of look.plan) {
    const checkpoint = look.checkpoints.get(partitionId)
    const recorded = look.ledger.get(partitionId)
    if (checkpoint !== undefined && isTerminalPartition(checkpoint.state)) {
      if (knows(recorded, checkpoint)) continue
      unfinished += 1
      if (lasted(partitionId, 'untold', progressOf(checkpoint, undefined), look.patienceMs)) untold.push(checkpoint)
      continue
    }
    unfinished += 1
    const intent = look.intent(partitionId)
    if (intent === 'cancelled') unswept.push(partitionId)
    // Nothing is to be done for it, so nobody need cover it.
    if (intent !== 'running') continue
    if (!look.isPublished(index) || look.covered === undefined || look.covered(partitionId)) continue
    const waitMs = checkpoint === undefined ? look.patienceMs : Math.max(look.patienceMs, look.leaseMs)
    if (lasted(partitionId, 'stranded', progressOf(checkpoint, recorded), waitMs)) stranded.push(partitionId)
  }
  const hasEnded = isTerminalRun(look.state) || unfinished === 0
  const tripped = look.state === 'running' && unfinished > 0 && mostFailed(look)
  return { ended: hasEnded ? endOf(look) : null, unswept, stranded, untold, tripped, sightings }
}

function mostFailed({ plan, checkpoints }: Look): boolean {
  let [completed, failed] = [0, 0]
  for (const { partitionId } of plan) {
    const state = checkpoints.get(partitionId)?.state
    if (state === 'completed') completed += 1
    if (state === 'failed') failed += 1
  }
  return completed + failed >= leastEnded && failed > completed
}

const knows = (recorded: RecordedPartition | undefined, checkpoint: StoredCheckpoint): boolean =>
  recorded !== undefined && recorded.state !== 'running' && compareCheckpoints(recorded, checkpoint) >= 0

function endOf({ state, plan, checkpoints }: Look): Difference['ended'] {
  let [partitionsFailed, partitionsCancelled, totals] = [0, 0, noTotals]
  for (const { partitionId } of plan) {
    const checkpoint = checkpoints.get(partitionId)
    if (checkpoint === undefined) continue
    totals = addTotals(totals, checkpoint.totals)
    if (checkpoint.state === 'failed') partitionsFailed += 1
    if (checkpoint.state === 'cancelled') partitionsCancelled += 1
  }
  return { state: endState(state, partitionsFailed), partitionsFailed, partitionsCancelled, totals }
}

function endState(state: RunState, partitionsFailed: number): 'completed' | 'failed' | 'cancelled' {
  if (state === 'completed' || state === 'failed' || state === 'cancelled') return state
  if (state === 'cancelling') return 'cancelled'
  return partitionsFailed > 0 ? 'failed' : 'completed'
}

const progressOf = (checkpoint: StoredCheckpoint | undefined, recorded: RecordedPartition | undefined): string =>
  [checkpoint?.epoch ?? 0, checkpoint?.sequence ?? 0, recorded?.epoch ?? 0, recorded?.sequence ?? 0].join('/')
