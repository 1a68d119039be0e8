import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { LedgerState, Times } from './merge.ts'
import { type HeldCounts, type HoldRecord, mergedHold } from './record/hold-record.ts'
import { laterPartition, type PartitionRecord } from './record/partition-record.ts'
import { addTimings, noTimings, type Timings } from './timings.ts'

/** A partition as it is stored. */
export interface StoredPartition extends PartitionRecord {
  /** Sums over its chunks. */
  readonly timings: Timings
}

/** What is stored of the partitions that are spoken of. */
export interface StoredPartitions {
  readonly partitions: ReadonlyMap<PartitionId, StoredPartition>
  readonly holds: ReadonlyMap<PartitionId, readonly HoldRecord[]>
}

/** What facts add that the history did not have. */
export interface Added {
  readonly timings: ReadonlyMap<PartitionId, Timings>
  /** By run: tasks that were published again. */
  readonly republished: ReadonlyMap<RunId, number>
}

type Span = Pick<Times, 'firstEventAt' | 'lastEventAt'>

/** What is to be added to the counts of a run. */
export interface RunDelta {
  readonly runId: RunId
  readonly states: Record<PartitionRecord['state'], number>
  readonly rows: Record<'rowsRead' | 'rowsWritten' | 'rowsFiltered' | 'rowsRejected' | 'chunks' | 'contentHash', bigint>
  timings: Timings
  claims: number
  republished: number
  times: Span | null
}

/** What is to be added to a worker's share in a run. */
export interface ShareDelta {
  readonly runId: RunId
  readonly worker: WorkerId
  partitions: number
  claims: number
  readonly counts: Record<keyof HeldCounts, bigint>
  times: Span | null
}

/** What was heard of a run in ten seconds. */
export interface HeardDelta {
  readonly runId: RunId
  readonly since: string
  rowsRead: bigint
  rowsWritten: bigint
  chunks: bigint
  ended: number
}

export interface PartitionChanges {
  /** As they are to be stored; those that stay as they are are left out. */
  readonly partitions: readonly StoredPartition[]
  readonly holds: readonly HoldRecord[]
  readonly runs: readonly RunDelta[]
  readonly shares: readonly ShareDelta[]
  readonly heard: readonly HeardDelta[]
}

/**
 * What a batch changes in what is stored of its partitions, and what that adds to every sum over partitions: the
 * difference of the rows as they will be and as they are. Exact as long as nobody else changes them in between.
 */
export function changesOf(
  batch: Pick<LedgerState, 'partitions' | 'holds' | 'times'>,
  stored: StoredPartitions,
  added: Added,
): PartitionChanges {
  const runs = new Map<RunId, RunDelta>()
  const heard = new Map<string, HeardDelta>()
  const shares = new Map<string, ShareDelta>()
  const partitions: StoredPartition[] = []
  for (const [partitionId, told] of batch.partitions) {
    const before = stored.partitions.get(partitionId)
    const newer = laterPartition(before, told)
    const timings = added.timings.get(partitionId)
    if (newer === before && timings === undefined) continue
    const after = { ...newer, timings: addTimings(before?.timings ?? noTimings, timings ?? noTimings) }
    partitions.push(after)
    if (before !== undefined) addPartition(runOf(runs, before.runId), before, -1)
    addPartition(runOf(runs, after.runId), after, 1)
    if (newer !== before) addHeard(heard, before, after)
  }
  const holds = changedHolds(batch.holds, stored.holds, shares)
  for (const [runId, count] of added.republished) runOf(runs, runId).republished += count
  for (const { runId, worker, firstEventAt, lastEventAt } of batch.times.values()) {
    const delta = worker === null ? runOf(runs, runId) : shareOf(shares, runId, worker)
    delta.times = { firstEventAt, lastEventAt }
  }
  return {
    ...{ partitions, holds },
    runs: [...runs.values()],
    shares: [...shares.values()].filter(addsSomething),
    heard: [...heard.values()],
  }
}

/** Not of a worker whose earlier hold was only looked at. */
const addsSomething = ({ partitions, claims, counts, times }: ShareDelta): boolean =>
  times !== null || partitions !== 0 || claims !== 0 || Object.values(counts).some((count) => count !== 0n)

const runOf = (runs: Map<RunId, RunDelta>, runId: RunId): RunDelta =>
  found(runs, runId, () => ({
    runId,
    states: { running: 0, completed: 0, failed: 0, cancelled: 0 },
    rows: { rowsRead: 0n, rowsWritten: 0n, rowsFiltered: 0n, rowsRejected: 0n, chunks: 0n, contentHash: 0n },
    timings: noTimings,
    claims: 0,
    republished: 0,
    times: null,
  }))

function addPartition(run: RunDelta, partition: StoredPartition, sign: 1 | -1): void {
  const { state, totals, epoch, timings } = partition
  const by = BigInt(sign)
  run.states[state] += sign
  run.claims += sign * epoch
  run.timings = addTimings(run.timings, timings, sign)
  run.rows.rowsRead += by * BigInt(totals.rowsRead)
  run.rows.rowsWritten += by * BigInt(totals.rowsWritten)
  run.rows.rowsFiltered += by * BigInt(totals.rowsFiltered)
  run.rows.rowsRejected += by * BigInt(totals.rowsRejected)
  run.rows.chunks += by * BigInt(totals.chunks)
  run.rows.contentHash += by * BigInt(totals.contentHash)
}

/** Counted for the time of the newest fact: what was told in one batch is told at one time. */
function addHeard(heard: Map<string, HeardDelta>, before: PartitionRecord | undefined, after: PartitionRecord): void {
  const { runId, stateAt, totals } = after
  const since = `${stateAt.slice(0, 18)}0Z`
  const delta = found(heard, `${runId}/${since}`, () => ({
    ...{ runId, since, rowsRead: 0n, rowsWritten: 0n, chunks: 0n, ended: 0 },
  }))
  delta.rowsRead += BigInt(totals.rowsRead - (before?.totals.rowsRead ?? 0))
  delta.rowsWritten += BigInt(totals.rowsWritten - (before?.totals.rowsWritten ?? 0))
  delta.chunks += BigInt(totals.chunks - (before?.totals.chunks ?? 0))
  delta.ended += hasEnded(after) - hasEnded(before)
}

const hasEnded = (partition: PartitionRecord | undefined): number =>
  partition === undefined || partition.state === 'running' ? 0 : 1

function changedHolds(
  told: LedgerState['holds'],
  stored: StoredPartitions['holds'],
  shares: Map<string, ShareDelta>,
): readonly HoldRecord[] {
  const changed: HoldRecord[] = []
  for (const [partitionId, some] of Map.groupBy(told.values(), (hold) => hold.partitionId)) {
    const before = stored.get(partitionId) ?? []
    const after = new Map(before.map((hold) => [hold.epoch, hold]))
    for (const hold of some) {
      const known = after.get(hold.epoch)
      const merged = mergedHold(known, hold)
      if (known !== undefined && isSameHold(known, merged)) continue
      after.set(hold.epoch, merged)
      changed.push(merged)
      if (known !== undefined) addHold(shares, known, -1)
      addHold(shares, merged, 1)
    }
    addHolders(shares, before, -1)
    addHolders(shares, [...after.values()], 1)
  }
  return changed
}

const isSameHold = (a: HoldRecord, b: HoldRecord): boolean =>
  a.offset === b.offset && a.at === b.at && isSameCounts(a.from, b.from) && isSameCounts(a.to, b.to)

const isSameCounts = (a: HeldCounts, b: HeldCounts): boolean =>
  a.rowsRead === b.rowsRead && a.rowsWritten === b.rowsWritten && a.chunks === b.chunks

function addHold(shares: Map<string, ShareDelta>, { runId, worker, from, to }: HoldRecord, sign: 1 | -1): void {
  const share = shareOf(shares, runId, worker)
  const by = BigInt(sign)
  share.claims += sign
  share.counts.rowsRead += by * BigInt(to.rowsRead - from.rowsRead)
  share.counts.rowsWritten += by * BigInt(to.rowsWritten - from.rowsWritten)
  share.counts.chunks += by * BigInt(to.chunks - from.chunks)
}

/** Each worker once a partition, however often it held it. */
function addHolders(shares: Map<string, ShareDelta>, holds: readonly HoldRecord[], sign: 1 | -1): void {
  const seen = new Set<ShareDelta>()
  for (const { runId, worker } of holds) seen.add(shareOf(shares, runId, worker))
  for (const share of seen) share.partitions += sign
}

const shareOf = (shares: Map<string, ShareDelta>, runId: RunId, worker: WorkerId): ShareDelta =>
  found(shares, `${runId}/${worker}`, () => ({
    ...{ runId, worker, partitions: 0, claims: 0 },
    counts: { rowsRead: 0n, rowsWritten: 0n, chunks: 0n },
    times: null,
  }))

function found<Key, Item>(items: Map<Key, Item>, key: Key, make: () => Item): Item {
  const known = items.get(key)
  if (known !== undefined) return known
  const made = make()
  items.set(key, made)
  return made
}
