import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { LedgerState, Times } from './merge.ts'
import type { HeldCounts, HoldRecord } from './record/hold-record.ts'
import { mergedPartition, type PartitionRecord } from './record/partition-record.ts'
import { addTimings, noTimings, type Timings } from './timings.ts'

/** A partition as it is stored. */
export interface StoredPartition extends PartitionRecord {
  /** Sums over its chunks. */
  readonly timings: Timings
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
  /** Of which nothing is stored yet. */
  readonly added: readonly StoredPartition[]
  /** As they are to be stored; those that stay as they are are left out. */
  readonly changed: readonly StoredPartition[]
  readonly runs: readonly RunDelta[]
  readonly shares: readonly ShareDelta[]
  readonly heard: readonly HeardDelta[]
}

/**
 * What a batch changes in what is stored of its partitions, and what that adds to every sum over partitions: the
 * difference of the rows as they will be and as they are. Exact as long as nobody else changes them in between.
 */
export function changesOf(
  batch: Pick<LedgerState, 'partitions' | 'times'>,
  stored: ReadonlyMap<PartitionId, StoredPartition>,
  facts: Added,
): PartitionChanges {
  const runs = new Map<RunId, RunDelta>()
  const heard = new Map<string, HeardDelta>()
  const shares = new Map<string, ShareDelta>()
  const [added, changed]: [StoredPartition[], StoredPartition[]] = [[], []]
  for (const [partitionId, told] of batch.partitions) {
    const before = stored.get(partitionId)
    const merged = mergedPartition(before, told)
    const timings = facts.timings.get(partitionId)
    if (merged === before && timings === undefined) continue
    const after = { ...merged, timings: addTimings(before?.timings ?? noTimings, timings ?? noTimings) }
    if (before === undefined) added.push(after)
    else changed.push(after)
    if (before !== undefined) addPartition(runOf(runs, before.runId), before, -1)
    addPartition(runOf(runs, after.runId), after, 1)
    if (after.holds !== before?.holds) {
      addHolds(shares, before?.holds ?? [], -1)
      addHolds(shares, after.holds, 1)
    }
    addHeard(heard, before, after)
  }
  for (const [runId, count] of facts.republished) runOf(runs, runId).republished += count
  for (const ofRun of batch.times.values())
    for (const { runId, worker, firstEventAt, lastEventAt } of ofRun.values()) {
      const delta = worker === null ? runOf(runs, runId) : shareOf(shares, runId, worker)
      delta.times = { firstEventAt, lastEventAt }
    }
  return {
    ...{ added, changed },
    runs: [...runs.values()],
    shares: [...shares.values()].filter(addsSomething),
    heard: [...heard.values()].filter(({ rowsRead, rowsWritten, chunks, ended }) =>
      [rowsRead, rowsWritten, chunks, BigInt(ended)].some((count) => count !== 0n),
    ),
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

/** Of each hold its work for its holder, and each holder once a partition, however often it held it. */
function addHolds(shares: Map<string, ShareDelta>, holds: readonly HoldRecord[], sign: 1 | -1): void {
  const by = BigInt(sign)
  const holders = new Set<ShareDelta>()
  for (const { runId, worker, from, to } of holds) {
    const share = shareOf(shares, runId, worker)
    holders.add(share)
    share.claims += sign
    share.counts.rowsRead += by * BigInt(to.rowsRead - from.rowsRead)
    share.counts.rowsWritten += by * BigInt(to.rowsWritten - from.rowsWritten)
    share.counts.chunks += by * BigInt(to.chunks - from.chunks)
  }
  for (const share of holders) share.partitions += sign
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
