import type { Totals } from '../../contract/certificate.ts'
import type { BackfillId, PartitionId, RunId, WorkerId } from '../../contract/ids.ts'
import { type PartitionEvent, partitionEventRank } from '../../contract/status.ts'
import { compareText, compareTold } from '../placed-event.ts'

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
}

const stateAfter = {
  'partition.claimed': 'running',
  'partition.progressed': 'running',
  'partition.completed': 'completed',
  'partition.failed': 'failed',
  'partition.cancelled': 'cancelled',
} as const satisfies Record<PartitionEvent['type'], PartitionRecord['state']>

export function partitionRecord(event: PartitionEvent, offset: string): PartitionRecord {
  const { partitionId, runId, backfill, index, epoch, sequence, cursor, totals, worker, topicPartition, at } = event
  const failure = event.type === 'partition.failed' ? event : { reason: null, message: null, attempts: null }
  return {
    partitionId,
    runId,
    backfill,
    index,
    epoch,
    sequence,
    rank: partitionEventRank[event.type],
    state: stateAfter[event.type],
    stateAt: at,
    offset,
    cursor,
    totals,
    worker,
    topicPartition,
    reason: failure.reason,
    message: failure.message,
    attempts: failure.attempts,
    firstEventAt: at,
    lastEventAt: at,
  }
}

/** The newer of the two, with the first and the last time of both. */
export function laterPartition(a: PartitionRecord | undefined, b: PartitionRecord): PartitionRecord {
  if (a === undefined) return b
  const newer = comparePartitions(a, b) < 0 ? b : a
  const firstEventAt = a.firstEventAt < b.firstEventAt ? a.firstEventAt : b.firstEventAt
  const lastEventAt = a.lastEventAt > b.lastEventAt ? a.lastEventAt : b.lastEventAt
  return newer.firstEventAt === firstEventAt && newer.lastEventAt === lastEventAt
    ? newer
    : { ...newer, firstEventAt, lastEventAt }
}

/** Positive when `a` stays. Of one fact told twice the first copy stays. */
function comparePartitions(a: PartitionRecord, b: PartitionRecord): number {
  return (
    a.epoch - b.epoch ||
    a.sequence - b.sequence ||
    a.rank - b.rank ||
    compareText(a.state, b.state) ||
    compareTold({ at: b.stateAt, offset: b.offset }, { at: a.stateAt, offset: a.offset })
  )
}
