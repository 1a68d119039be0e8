import type { PartitionId, RunId, WorkerId } from '../../contract/ids.ts'
import { type PartitionEvent, partitionEventRank } from '../../contract/status.ts'
import { compareTold } from '../placed-event.ts'

/** Of a partition's totals, what is counted for those who worked on it. */
export interface HeldCounts {
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly chunks: number
}

/** One hold on a partition: a claim, and what was done until the next one. Who told its first fact is its holder. */
export interface HoldRecord {
  readonly partitionId: PartitionId
  readonly epoch: number
  readonly runId: RunId
  readonly worker: WorkerId
  /** Of its first fact. */
  readonly sequence: number
  readonly rank: number
  readonly at: string
  readonly offset: string
  /** The least and the greatest totals that were told of it: the difference is the holder's work. */
  readonly from: HeldCounts
  readonly to: HeldCounts
}

/** A cancelled partition may never have been held; that it was cancelled is told by whoever finds it so. */
export const isOfHold = (event: PartitionEvent): boolean => event.type !== 'partition.cancelled'

export const holdKey = ({ partitionId, epoch }: Pick<HoldRecord, 'partitionId' | 'epoch'>): string =>
  `${partitionId}/${epoch}`

export function holdRecord(event: PartitionEvent, offset: string): HoldRecord {
  const { partitionId, epoch, runId, worker, sequence, at, totals } = event
  const { rowsRead, rowsWritten, chunks } = totals
  const counts = { rowsRead, rowsWritten, chunks }
  const rank = partitionEventRank[event.type]
  return { partitionId, epoch, runId, worker, sequence, rank, at, offset, from: counts, to: counts }
}

/** Both of the same hold. */
export function mergedHold(a: HoldRecord | undefined, b: HoldRecord): HoldRecord {
  if (a === undefined) return b
  const first = compareFirst(a, b) <= 0 ? a : b
  return { ...first, from: counted(Math.min, a.from, b.from), to: counted(Math.max, a.to, b.to) }
}

const compareFirst = (a: HoldRecord, b: HoldRecord): number =>
  a.sequence - b.sequence || a.rank - b.rank || compareTold(a, b)

const counted = (take: (a: number, b: number) => number, a: HeldCounts, b: HeldCounts): HeldCounts => ({
  rowsRead: take(a.rowsRead, b.rowsRead),
  rowsWritten: take(a.rowsWritten, b.rowsWritten),
  chunks: take(a.chunks, b.chunks),
})
