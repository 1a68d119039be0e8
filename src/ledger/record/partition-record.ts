import type { Totals } from '../../contract/certificate.ts'
import type { BackfillId, PartitionId, RunId, WorkerId } from '../../contract/ids.ts'
import { type PartitionEvent, partitionEventRank } from '../../contract/status.ts'
import { compareText, compareTold } from '../placed-event.ts'
import { type HoldRecord, holdsOf, mergedHolds } from './hold-record.ts'

/** What the ledger knows of a partition: the newest fact, and when the first and the last one were told. */
export interface PartitionRecord {
  readonly partitionId: PartitionId
  readonly runId: RunId
  readonly backfill: BackfillId
  readonly index: number
  readonly epoch: number
  readonly sequence: number
  readonly rank: number
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled'
  readonly stateAt: string
  /** Of the record that told it. */
  readonly offset: string
  readonly cursor: string | null
  readonly totals: Totals
  readonly worker: WorkerId
  readonly topicPartition: number
  readonly reason: string | null
  readonly message: string | null
  /** Tries that counted, of a partition that failed. */
  readonly attempts: number | null
  readonly firstEventAt: string
  readonly lastEventAt: string
  /** In the order of their epochs. */
  readonly holds: readonly HoldRecord[]
}

const stateAfter = {
  'partition.claimed': 'running',
  'partition.progressed': 'running',
  'partition.completed': 'completed',
  'partition.failed': 'failed',
  'partition.cancelled': 'cancelled',
} as const satisfies Record<PartitionEvent['type'], PartitionRecord['state']>

export interface PlacedPartitionEvent {
  readonly event: PartitionEvent
  readonly offset: string
}

/** What events of one partition say, at least one. */
export function partitionRecord(told: readonly [PlacedPartitionEvent, ...PlacedPartitionEvent[]]): PartitionRecord {
  let [newest] = told
  let place = placeOf(newest)
  let [firstEventAt, lastEventAt] = [newest.event.at, newest.event.at]
  for (const placed of told) {
    const { at } = placed.event
    if (at < firstEventAt) firstEventAt = at
    if (at > lastEventAt) lastEventAt = at
    const other = placeOf(placed)
    if (comparePlaces(place, other) >= 0) continue
    newest = placed
    place = other
  }
  const { event, offset } = newest
  const { partitionId, runId, backfill, index, epoch, sequence, cursor, totals, worker, topicPartition } = event
  const failure = event.type === 'partition.failed' ? event : { reason: null, message: null, attempts: null }
  return {
    partitionId,
    runId,
    backfill,
    index,
    epoch,
    sequence,
    rank: place.rank,
    state: place.state,
    stateAt: place.stateAt,
    offset,
    cursor,
    totals,
    worker,
    topicPartition,
    reason: failure.reason,
    message: failure.message,
    attempts: failure.attempts,
    firstEventAt,
    lastEventAt,
    holds: holdsOf(told.map((placed) => placed.event)),
  }
}

/** What decides which of two facts of a partition is the newer one. */
type Place = Pick<PartitionRecord, 'epoch' | 'sequence' | 'rank' | 'state' | 'stateAt' | 'offset'>

function placeOf({ event, offset }: PlacedPartitionEvent): Place {
  const { epoch, sequence, type, at: stateAt } = event
  return { epoch, sequence, rank: partitionEventRank[type], state: stateAfter[type], stateAt, offset }
}

/** The newer of the two, with the times and the holds of both; `a` itself when `b` adds nothing. */
export function mergedPartition<Stored extends PartitionRecord>(
  a: Stored | undefined,
  b: PartitionRecord,
): Stored | PartitionRecord {
  if (a === undefined) return b
  const newer = comparePlaces(a, b) < 0 ? b : a
  const firstEventAt = a.firstEventAt < b.firstEventAt ? a.firstEventAt : b.firstEventAt
  const lastEventAt = a.lastEventAt > b.lastEventAt ? a.lastEventAt : b.lastEventAt
  const holds = mergedHolds(a.holds, b.holds)
  const isSame = newer === a && firstEventAt === a.firstEventAt && lastEventAt === a.lastEventAt && holds === a.holds
  return isSame ? a : { ...newer, firstEventAt, lastEventAt, holds }
}

/** Whether an event is of a later time of its partition's life than the newest of its facts. */
export const isAhead = (event: PartitionEvent, { epoch, sequence, rank }: PartitionRecord): boolean =>
  (event.epoch - epoch || event.sequence - sequence || partitionEventRank[event.type] - rank) > 0

/** Positive when `a` stays. Of one fact told twice the first copy stays. */
function comparePlaces(a: Place, b: Place): number {
  return (
    a.epoch - b.epoch ||
    a.sequence - b.sequence ||
    a.rank - b.rank ||
    compareText(a.state, b.state) ||
    compareTold({ at: b.stateAt, offset: b.offset }, { at: a.stateAt, offset: a.offset })
  )
}
