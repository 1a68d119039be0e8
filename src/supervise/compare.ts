import { compareCheckpoints } from '../contract/checkpoint.ts'
import type { Intent } from '../contract/control.ts'
import type { PartitionId, WorkerId } from '../contract/ids.ts'
import { isTerminalPartition, isTerminalRun, type RunState } from '../contract/states.ts'
import type { StoredCheckpoint } from '../sink/sink.ts'
import { type Doubt, doubtOf, type Recorded } from './doubts.ts'
import { endingOf, type RunEnding } from './run-end.ts'

/** How far the ledger says a partition is. */
export interface RecordedPartition extends Recorded {
  readonly worker: WorkerId
  readonly topicPartition: number
  /** When its first and its last event were told, by the clocks of those who told. */
  readonly firstEventMs: number
  readonly lastEventMs: number
}

export interface PlannedPartitionState {
  readonly partitionId: PartitionId
  readonly index: number
}

/** A difference seen before: it is one when it is still there `patienceMs` later. */
export interface Sighting {
  /** Progress of the partition then: any progress since begins a new sighting. */
  readonly progress: string
  readonly sinceMs: number
}
/** By what was seen and the partition. */
export type Sightings = ReadonlyMap<string, Sighting>

export interface Look {
  /** Of a clock that never goes back. */
  readonly nowMs: number
  /** By the same clock: all that was told up to then was recorded when the ledger was read. */
  readonly recordedThroughMs: number
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
  /** Read after the ledger. */
  readonly checkpoints: ReadonlyMap<PartitionId, StoredCheckpoint>
  readonly ledger: ReadonlyMap<PartitionId, RecordedPartition>
  /** Whether an open task covers a partition; undefined while nobody knows, when none is acted on. */
  readonly covered: ((partitionId: PartitionId) => boolean) | undefined
  /** What contradicts checkpoint rows in their chunks, where that was looked at. */
  readonly brokenChains: ReadonlyMap<PartitionId, string>
  /** As the look before returned them. */
  readonly before: Sightings
}

/** A partition of which ledger and sink say what cannot both be. */
export interface PartitionDoubt extends Doubt {
  readonly partition: PlannedPartitionState
  /** Its row is not terminal, or gone: something may still be done for it. */
  readonly isLive: boolean
}

export interface Difference {
  /** The run has ended: every partition is terminal in the sink, and the ledger knows it; or it had ended before. */
  readonly ended: RunEnding | null
  /** Cancelled, and not terminal in the sink: to be ended there. */
  readonly unswept: readonly PartitionId[]
  /** Live partitions that no open task covers: their tasks are to be published again. */
  readonly stranded: readonly PartitionId[]
  /** Terminal in the sink, and the ledger has not heard of it for good: the end is to be told again. */
  readonly untold: readonly StoredCheckpoint[]
  /** What cannot be, as long as it lasts. */
  readonly doubts: readonly PartitionDoubt[]
  /** More than half of the partitions that ended have failed, and they are enough to judge by: the run is to be parked. */
  readonly tripped: boolean
  readonly sightings: Sightings
}

/** Partitions that must have ended before failures are taken for those of the run. */
const leastEnded = 50

/** Compares plan, checkpoint rows, ledger and open tasks of one run. The checkpoint rows are the truth. */
export function compareRun(look: Look): Difference {
  const sightings = new Map<string, Sighting>()
  const stranded: PartitionId[] = []
  const untold: StoredCheckpoint[] = []
  const unswept: PartitionId[] = []
  const doubts: PartitionDoubt[] = []
  const isOver = isTerminalRun(look.state)
  let unfinished = 0

  /** True when the same was seen before, long enough ago. */
  const lasted = (key: string, progress: string, waitMs: number, upToMs = look.nowMs): boolean => {
    const seen = look.before.get(key)
    const sighting = seen?.progress === progress ? seen : { progress, sinceMs: look.nowMs }
    sightings.set(key, sighting)
    return upToMs - sighting.sinceMs >= waitMs
  }
  /** The same; then it begins anew, or it would be acted on at every look. */
  const lastedAnew = (key: string, progress: string, waitMs: number, upToMs = look.nowMs): boolean => {
    const due = lasted(key, progress, waitMs, upToMs)
    if (due) sightings.set(key, { progress, sinceMs: look.nowMs })
    return due
  }

  for (const partition of look.plan) {
    const { partitionId, index } = partition
    const checkpoint = look.checkpoints.get(partitionId)
    const recorded = look.ledger.get(partitionId)
    const isLive = checkpoint === undefined || !isTerminalPartition(checkpoint.state)
    const doubt = sameAsBefore(look, partitionId, doubtOf(checkpoint, recorded, look.brokenChains.get(partitionId)))
    if (
      doubt !== null &&
      lasted(`${doubt.kind}/${partitionId}`, doubtProgress(doubt, checkpoint, recorded), look.patienceMs)
    )
      doubts.push({ ...doubt, partition, isLive: isLive && !isOver })
    if (!isLive) {
      if (knows(recorded, checkpoint)) continue
      unfinished += 1
      if (doubt?.kind === 'ledgerAhead') continue
      // An offset passes a task only when its end stands on the topic: until then whoever gets the task tells it.
      const isTold = isOver || look.covered?.(partitionId) === false
      const waitMs = isTold ? look.patienceMs : Math.max(look.patienceMs, look.leaseMs)
      const upToMs = Math.min(look.nowMs, look.recordedThroughMs)
      if (lastedAnew(`untold/${partitionId}`, progressOf(checkpoint, undefined), waitMs, upToMs))
        untold.push(checkpoint)
      continue
    }
    unfinished += 1
    if (isOver) continue
    const intent = look.intent(partitionId)
    if (intent === 'cancelled') unswept.push(partitionId)
    // Nothing is to be done for it, so nobody need cover it.
    if (intent !== 'running') continue
    if (!look.isPublished(index) || look.covered === undefined || look.covered(partitionId)) continue
    const waitMs = checkpoint === undefined ? look.patienceMs : Math.max(look.patienceMs, look.leaseMs)
    if (lastedAnew(`stranded/${partitionId}`, progressOf(checkpoint, recorded), waitMs)) stranded.push(partitionId)
  }
  const hasEnded = isOver || unfinished === 0
  const tripped = look.state === 'running' && unfinished > 0 && mostFailed(look)
  return { ended: hasEnded ? endingOf(look) : null, unswept, stranded, untold, doubts, tripped, sightings }
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

const progressOf = (checkpoint: StoredCheckpoint | undefined, recorded: RecordedPartition | undefined): string =>
  [checkpoint?.epoch ?? 0, checkpoint?.sequence ?? 0, recorded?.epoch ?? 0, recorded?.sequence ?? 0].join('/')

/** A ledger that is ahead stays so while its partition catches up; of any other doubt both sides must stand still. */
const doubtProgress = (
  { kind }: Doubt,
  checkpoint: StoredCheckpoint | undefined,
  recorded: RecordedPartition | undefined,
): string => progressOf(kind === 'ledgerAhead' || kind === 'checkpointMissing' ? undefined : checkpoint, recorded)

/** A partition whose row was gone is done again, and its ledger is ahead until then: that is one thing, not another. */
const sameAsBefore = ({ before }: Look, partitionId: PartitionId, doubt: Doubt | null): Doubt | null =>
  doubt?.kind === 'ledgerAhead' && before.has(`checkpointMissing/${partitionId}`)
    ? { kind: 'checkpointMissing', message: `its checkpoint row was gone, and it is done again: ${doubt.message}` }
    : doubt
