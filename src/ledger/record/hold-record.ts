import type { RunId, WorkerId } from '../../contract/ids.ts'
import { type PartitionEvent, partitionEventRank } from '../../contract/status.ts'
import { compareText } from '../placed-event.ts'

/** Of a partition's totals, what is counted for those who worked on it. */
export interface HeldCounts {
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly chunks: number
}

/** One hold on a partition: a claim, and what was done until the next one. Who told its first fact is its holder. */
export interface HoldRecord {
  readonly epoch: number
  readonly runId: RunId
  readonly worker: WorkerId
  /** Of its first fact. */
  readonly sequence: number
  readonly rank: number
  readonly at: string
  /** The least and the greatest totals that were told of it: the difference is the holder's work. */
  readonly from: HeldCounts
  readonly to: HeldCounts
}

/** A cancelled partition may never have been held; that it was cancelled is told by whoever finds it so. */
export const isOfHold = (event: PartitionEvent): boolean => event.type !== 'partition.cancelled'

/** The holds that events of one partition are of, in the order of their epochs. */
export function holdsOf(events: readonly PartitionEvent[]): readonly HoldRecord[] {
  const holds: GrowingHold[] = []
  for (const event of events) {
    if (!isOfHold(event)) continue
    const hold = holds.find(({ epoch }) => epoch === event.epoch)
    if (hold === undefined) holds.push(holdOf(event))
    else extend(hold, event)
  }
  return holds.length < 2 ? holds : holds.sort((a, b) => a.epoch - b.epoch)
}

type Growing<Item> = { -readonly [Key in keyof Item]: Item[Key] }
type GrowingHold = Growing<Omit<HoldRecord, 'from' | 'to'>> & { from: Growing<HeldCounts>; to: Growing<HeldCounts> }

function holdOf(event: PartitionEvent): GrowingHold {
  const { epoch, runId, worker, sequence, at, totals } = event
  const { rowsRead, rowsWritten, chunks } = totals
  return {
    ...{ epoch, runId, worker, sequence, rank: partitionEventRank[event.type], at },
    from: { rowsRead, rowsWritten, chunks },
    to: { rowsRead, rowsWritten, chunks },
  }
}

function extend(hold: GrowingHold, event: PartitionEvent): void {
  const { runId, worker, sequence, at, totals } = event
  const rank = partitionEventRank[event.type]
  if (sequence <= hold.sequence && compareFirst({ sequence, rank, at, worker, runId }, hold) < 0)
    Object.assign(hold, { sequence, rank, at, worker, runId })
  take(Math.min, hold.from, totals)
  take(Math.max, hold.to, totals)
}

function take(which: (a: number, b: number) => number, counts: Growing<HeldCounts>, totals: HeldCounts): void {
  counts.rowsRead = which(counts.rowsRead, totals.rowsRead)
  counts.rowsWritten = which(counts.rowsWritten, totals.rowsWritten)
  counts.chunks = which(counts.chunks, totals.chunks)
}

/** All holds of a partition, in the order of their epochs; `a` itself when `b` adds nothing. */
export function mergedHolds(a: readonly HoldRecord[], b: readonly HoldRecord[]): readonly HoldRecord[] {
  if (b.length === 0) return a
  const [only, other] = [a[0], b[0]]
  // Nearly always there is one.
  if (a.length === 1 && b.length === 1 && other !== undefined && only?.epoch === other.epoch) {
    const both = mergedHold(only, other)
    return both === only ? a : [both]
  }
  const merged = new Map(a.map((hold) => [hold.epoch, hold]))
  let isSame = true
  for (const hold of b) {
    const known = merged.get(hold.epoch)
    const both = mergedHold(known, hold)
    if (both === known) continue
    merged.set(hold.epoch, both)
    isSame = false
  }
  return isSame ? a : [...merged.values()].sort((one, other) => one.epoch - other.epoch)
}

/** Both of the same epoch; `a` itself when `b` adds nothing. */
function mergedHold(a: HoldRecord | undefined, b: HoldRecord): HoldRecord {
  if (a === undefined) return b
  const [from, to] = [counted(Math.min, a.from, b.from), counted(Math.max, a.to, b.to)]
  if (compareFirst(a, b) > 0) return { ...b, from, to }
  return isSameCounts(a.from, from) && isSameCounts(a.to, to) ? a : { ...a, from, to }
}

type First = Pick<HoldRecord, 'sequence' | 'rank' | 'at' | 'worker' | 'runId'>

const compareFirst = (a: First, b: First): number =>
  a.sequence - b.sequence ||
  a.rank - b.rank ||
  compareText(a.at, b.at) ||
  compareText(a.worker, b.worker) ||
  compareText(a.runId, b.runId)

const isSameCounts = (a: HeldCounts, b: HeldCounts): boolean =>
  a.rowsRead === b.rowsRead && a.rowsWritten === b.rowsWritten && a.chunks === b.chunks

const counted = (take: (a: number, b: number) => number, a: HeldCounts, b: HeldCounts): HeldCounts => ({
  rowsRead: take(a.rowsRead, b.rowsRead),
  rowsWritten: take(a.rowsWritten, b.rowsWritten),
  chunks: take(a.chunks, b.chunks),
})
