// The invariants, each a function of what is known when everything is quiet; it returns what contradicts it.
// I15 (splits), I21 and I22 (other sinks), I23 and I24 are about parts that this bench does not run.
import { mergeEvents } from '../../src/ledger/merge.ts'
import { readEvent } from '../../src/ledger/read-event.ts'
import type { PartitionRecord } from '../../src/ledger/record/partition-record.ts'
import { cut } from '../../src/plan/cut.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import type { ChunkFact, Counts, Facts } from './facts.ts'

type Violations = readonly string[]
export type Invariant = (facts: Facts) => Violations

const terminal: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled'])
const none: Counts = { read: 0, written: 0, filtered: 0, rejected: 0, hash: '0' }
const plus = (a: Counts, b: Counts): Counts => ({
  read: a.read + b.read,
  written: a.written + b.written,
  filtered: a.filtered + b.filtered,
  rejected: a.rejected + b.rejected,
  hash: (BigInt(a.hash) + BigInt(b.hash)).toString(),
})
const text = ({ read, written, filtered, rejected, hash }: Counts): string =>
  `${read} read, ${written} written, ${filtered} filtered, ${rejected} rejected, hash ${hash}`

function grouped<Item extends { partitionId: string }>(items: readonly Item[]): ReadonlyMap<string, readonly Item[]> {
  return Map.groupBy(items, ({ partitionId }) => partitionId)
}

/** Ranges of a run's partitions are disjoint and their union is the domain; the checkpoint rows have the same ones. */
const rangesTile: Invariant = ({ world, runs, plan, checkpoints }) =>
  runs.flatMap((run) => {
    const backfill = world.backfills.find(({ id }) => id === run.backfill)
    const ranges = plan.filter(({ runId }) => runId === run.runId).sort((a, b) => Number(a.from - b.from))
    const found: string[] = []
    let reached = 0n
    for (const { partitionId, from, to } of ranges) {
      if (from !== reached) found.push(`${partitionId} begins at ${from}, the one before ends at ${reached}`)
      reached = to
    }
    if (reached !== BigInt(backfill?.rows ?? -1)) found.push(`the plan ends at ${reached}`)
    const planned = new Map(ranges.map((range) => [range.partitionId, range]))
    for (const row of checkpoints.filter(({ runId }) => runId === run.runId)) {
      const range = planned.get(row.partitionId)
      if (range?.from !== row.from || range.to !== row.to) found.push(`the row of ${row.partitionId} has other bounds`)
    }
    return found
  })

/** from ≤ cursor < to; with each chunk the cursor moves on and the sequence rises by one. */
const cursorsMove: Invariant = ({ audit, checkpoints }) => {
  const bounds = new Map(checkpoints.map((row) => [row.partitionId, row]))
  const found: string[] = []
  for (const [partitionId, changes] of grouped(audit.filter(({ what }) => what !== 'CHUNK'))) {
    const row = bounds.get(partitionId)
    for (const [at, change] of changes.entries()) {
      const before = changes[at - 1]
      const where = `${partitionId} at ${change.epoch}/${change.sequence}`
      if (change.cursor !== null && row !== undefined)
        if (BigInt(change.cursor) < row.from || BigInt(change.cursor) >= row.to)
          found.push(`${where}: cursor ${change.cursor} is outside its range`)
      if (before === undefined) continue
      const step = change.sequence - before.sequence
      if (step < 0 || step > 1) found.push(`${where}: the sequence was ${before.sequence}`)
      if (step === 0 && change.cursor !== before.cursor) found.push(`${where}: the cursor moved without a chunk`)
      // The last chunk may be empty: the rows ended where the one before did.
      if (step === 1 && before.cursor !== null && BigInt(change.cursor ?? -1) < BigInt(before.cursor))
        found.push(`${where}: the cursor went back from ${before.cursor} to ${change.cursor}`)
    }
  }
  return found
}

/** Chunks form a chain from `from` without a gap; completed if, and only if, its last one is there. */
const chainsHold: Invariant = ({ checkpoints, chunks }) => {
  const of = grouped(chunks)
  return checkpoints.flatMap((row) => {
    const chain = of.get(row.partitionId) ?? []
    const found: string[] = []
    let after: string | null = null
    for (const [at, chunk] of chain.entries()) {
      if (chunk.sequence !== at + 1) found.push(`${row.partitionId}: chunk ${at + 1} is ${chunk.sequence}`)
      if (chunk.after !== after)
        found.push(`${row.partitionId}: chunk ${chunk.sequence} begins after ${chunk.after}, not ${after}`)
      after = chunk.through
    }
    if (chain.length !== row.sequence)
      found.push(`${row.partitionId}: ${chain.length} chunks, sequence ${row.sequence}`)
    const isWhole = chain.at(-1)?.last === true
    if (isWhole !== (row.state === 'completed')) found.push(`${row.partitionId}: ${row.state}, last chunk ${isWhole}`)
    return found
  })
}

/** Every source row has exactly its rows in the sink, and there are no others; of a cancelled run some are missing. */
const sinkIsExact: Invariant = ({ sinks, runs }) =>
  sinks.flatMap(({ backfill, lost, doubled, foreign }) =>
    (runs.find((run) => run.backfill === backfill)?.state === 'cancelled' ? 0 : lost) + doubled + foreign === 0
      ? []
      : [`${backfill}: ${lost} rows lost, ${doubled} doubled, ${foreign} foreign`],
  )

/** Chunks add up to the checkpoint row, which is what stands in the sink. */
const sumsAgree: Invariant = ({ checkpoints, chunks, stored, rejected }) => {
  const of = grouped(chunks)
  return checkpoints.flatMap(({ partitionId, counts }) => {
    const found: string[] = []
    const sum = (of.get(partitionId) ?? []).reduce((total, chunk) => plus(total, chunk.counts), none)
    if (text(sum) !== text(counts)) found.push(`${partitionId}: chunks ${text(sum)}; row ${text(counts)}`)
    const there = stored.get(partitionId)
    if (there?.rows !== counts.written || there.hash !== counts.hash)
      found.push(`${partitionId}: ${there?.rows} rows with hash ${there?.hash} in the sink, row ${text(counts)}`)
    if ((rejected.get(partitionId) ?? 0) !== counts.rejected) found.push(`${partitionId}: rejected rows are missing`)
    return found
  })
}

/** Epochs rise by one at each claim, and no chunk of an epoch is committed after the claim of a later one. */
const epochsFence: Invariant = ({ audit }) => {
  const found: string[] = []
  for (const [partitionId, changes] of grouped(audit)) {
    let epoch = 0
    for (const change of changes) {
      if (change.epoch < epoch) found.push(`${partitionId}: epoch ${change.epoch} after ${epoch}`)
      if (change.what !== 'CHUNK' && change.epoch > epoch + 1) found.push(`${partitionId}: no epoch ${epoch + 1}`)
      epoch = Math.max(epoch, change.epoch)
    }
  }
  return found
}

/** What is completed or cancelled never changes; what failed neither, until somebody asks for it. */
const endsAbsorb: Invariant = ({ audit }) => {
  const found: string[] = []
  for (const [partitionId, changes] of grouped(audit.filter(({ what }) => what !== 'CHUNK')))
    for (const [at, change] of changes.entries()) {
      const before = changes[at - 1]
      if (before === undefined || !terminal.has(before.state)) continue
      const same = (['state', 'epoch', 'sequence', 'cursor'] as const).every((key) => change[key] === before[key])
      if (!same) found.push(`${partitionId} was ${before.state} and changed`)
    }
  return found
}

/** Every task below a committed offset is over in the sink. (While the system runs: the observer.) */
const offsetsFollow: Invariant = ({ seen, committed, tasks, checkpoints, wentBack }) => {
  const over = new Set(checkpoints.filter(({ state }) => terminal.has(state)).map(({ partitionId }) => partitionId))
  return [
    ...(wentBack ? [] : (seen.get('I8') ?? [])),
    ...committed.flatMap(({ topicPartition, offset }) =>
      [...(tasks.get(topicPartition) ?? [])].flatMap(([at, partitionId]) =>
        at < offset && partitionId !== null && !over.has(partitionId)
          ? [`offset ${offset} of topic partition ${topicPartition} is past ${partitionId}`]
          : [],
      ),
    ),
  ]
}

/** Every partition that is not over has a task: when all is quiet there are neither such partitions nor open tasks. */
const nothingStrands: Invariant = ({ plan, checkpoints, committed, tasks }) => {
  const state = new Map(checkpoints.map((row) => [row.partitionId, row.state]))
  const open = plan.filter(({ partitionId }) => !terminal.has(state.get(partitionId) ?? 'unclaimed'))
  const offsets = new Map(committed.map(({ topicPartition, offset }) => [topicPartition, offset]))
  const behind = [...tasks].filter(([topicPartition, of]) =>
    [...of.keys()].some((offset) => offset >= (offsets.get(topicPartition) ?? 0n)),
  )
  return [
    ...open.map(({ partitionId }) => `${partitionId} is ${state.get(partitionId) ?? 'unclaimed'}`),
    ...behind.map(([topicPartition]) => `topic partition ${topicPartition} has tasks at its committed offset`),
  ]
}

const metadataFollows: Invariant = ({ seen, wentBack }) => (wentBack ? [] : (seen.get('I10') ?? []))

/** The ledger never leads and, when all is quiet, says what the rows say; no event speaks of what was not committed. */
const ledgerFollows: Invariant = ({ seen, ledger, checkpoints, chunks, events, runs, wentBack }) => {
  const found = wentBack ? [] : [...(seen.get('I11') ?? [])]
  for (const row of checkpoints) {
    const told = ledger.get(row.partitionId)
    const same = told?.state === row.state && told.sequence === row.sequence && text(told.counts) === text(row.counts)
    if (!same)
      found.push(`${row.partitionId}: ledger ${told?.state} ${told?.sequence}, row ${row.state} ${row.sequence}`)
  }
  for (const { runId, state, ledgerState } of runs)
    if (state !== ledgerState) found.push(`run ${runId} is ${state}, the ledger says ${ledgerState}`)
  const done = new Map<string, { chunk: ChunkFact; sum: Counts }>()
  for (const [partitionId, chain] of grouped(chunks)) {
    let sum = none
    for (const chunk of chain) {
      sum = plus(sum, chunk.counts)
      done.set(`${partitionId}/${chunk.sequence}`, { chunk, sum })
    }
  }
  for (const event of events) {
    if (wentBack || event.type !== 'partition.progressed') continue
    const committed = done.get(`${event.partitionId}/${event.sequence}`)
    if (
      committed?.chunk.epoch !== event.epoch ||
      committed.sum.written !== event.totals.rowsWritten ||
      committed.sum.hash !== event.totals.contentHash
    )
      found.push(
        `an event tells chunk ${event.epoch}/${event.sequence} of ${event.partitionId}, which was not committed`,
      )
  }
  return found
}

/** The same events in another order, and twice, give the ledger that is there. */
const orderIsFree: Invariant = ({ events, ledger }) => {
  const read = events.map((event, at) => ({ event: readEvent(event), offset: String(at) }))
  const merged = mergeEvents([...read.toReversed(), ...read])
  const key = (record: Pick<PartitionRecord, 'epoch' | 'sequence' | 'state'>): string =>
    `${record.epoch}/${record.sequence} ${record.state}`
  return [...merged.partitions].flatMap(([partitionId, record]) => {
    const told = ledger.get(partitionId)
    return told !== undefined && `${told.epoch}/${told.sequence} ${told.state}` === key(record)
      ? []
      : [`${partitionId}: merged ${key(record)}, ledger ${told?.epoch}/${told?.sequence} ${told?.state}`]
  })
}

const oneRunAKey: Invariant = ({ runs, plan }) => {
  const byKey = Map.groupBy(runs, ({ requestKey }) => requestKey)
  return [...byKey].flatMap(([requestKey, of]) => {
    const planned = plan.filter(({ runId }) => runId === of[0]?.runId).length
    return of.length === 1 && planned === of[0]?.partitions
      ? []
      : [`${requestKey} has ${of.length} runs; ${planned} of ${of[0]?.partitions} partitions are planned`]
  })
}

/** Planning again gives the same partitions under the same ids, in the same order. */
const plansRepeat: Invariant = ({ world, runs, plan }) =>
  runs.flatMap(({ runId, backfill }) => {
    const of = world.backfills.find(({ id }) => id === backfill)
    if (of === undefined) return [`run ${runId} is of no known backfill`]
    const size = BigInt(of.shape.chunksPerPartition * of.shape.chunkRows)
    const bounds = { kind: 'integer' as const, column: 'id', from: '0', to: String(of.rows), estimatedRows: null }
    const by = { kind: 'key' as const, column: 'id', size, bounds: null }
    const again = [...cut(bounds, by)].map((partition) => partitionIdOf(runId, partition))
    const there = plan.filter((partition) => partition.runId === runId).map(({ partitionId }) => partitionId)
    return again.join() === there.join() ? [] : [`run ${runId}: planned again it has other partitions`]
  })

/** Of what is cancelled no chunk is committed any more, nor after the end of a run is told. That the effect is a prefix: I3 and I5. */
const cancelStops: Invariant = ({ audit, events }) => {
  const told = events.flatMap((event) => (event.type === 'run.cancelled' ? [Date.parse(event.at)] : []))
  const found = audit
    .filter(({ what, atMs }) => what === 'CHUNK' && told.some((endedMs) => atMs > endedMs))
    .map(({ partitionId }) => `${partitionId}: a chunk was committed after the run was told to be cancelled`)
  for (const [partitionId, changes] of grouped(audit)) {
    const cancelled = changes.findIndex(({ what, state }) => what !== 'CHUNK' && state === 'cancelled')
    if (cancelled >= 0 && changes.slice(cancelled).some(({ what }) => what === 'CHUNK'))
      found.push(`${partitionId}: a chunk was committed after it was cancelled`)
  }
  return found
}

/** While a pause is acknowledged by all workers no chunk is committed; that no offset passes what is not over: I8. */
const pausesHold: Invariant = ({ pauses, audit }) =>
  pauses.flatMap(({ fromMs, toMs, chunks: [before, after] }) => [
    ...(before === after ? [] : [`${after - before} chunks were committed while the run was paused`]),
    ...audit
      .filter(({ what, atMs }) => what === 'CHUNK' && atMs > fromMs && atMs < toMs)
      .map(({ partitionId }) => `${partitionId}: a chunk was written after the pause was acknowledged by all`),
  ])

/** What is not quiet in time was slow when its rows still changed then, and stuck when they did not. */
const lately = 10_000

const runsEnd: Invariant = ({ runs, world, endedInMs, endedAtMs, endLimitMs, wanted, fallen, audit }) => [
  ...fallen.map((name) => `${name} ended by itself`),
  ...(runs.length === world.backfills.length ? [] : [`${runs.length} of ${world.backfills.length} runs are there`]),
  ...runs.flatMap(({ runId, state }) => (state === wanted ? [] : [`run ${runId} is ${state}, not ${wanted}`])),
  ...(endedInMs <= endLimitMs
    ? []
    : [
        `quiet after ${endedInMs} ms, the limit is ${endLimitMs} ms; in the last ${lately} ms before, checkpoints changed ` +
          `${audit.filter(({ atMs }) => atMs > endedAtMs - lately && atMs <= endedAtMs).length} times`,
      ]),
]

const littleIsReadAgain: Invariant = ({ checkpoints, rowsRead, rowsReadAgainLimit }) => {
  const again = rowsRead - checkpoints.reduce((sum, { counts }) => sum + counts.read, 0)
  if (again < 0) return [`${-again} rows more are committed than were read`]
  return again <= rowsReadAgainLimit ? [] : [`${again} rows were read again, the limit is ${rowsReadAgainLimit}`]
}

const countsAddUp: Invariant = ({ chunks, checkpoints }) =>
  [...chunks, ...checkpoints].flatMap(({ partitionId, counts }) =>
    counts.read === counts.written + counts.filtered + counts.rejected ? [] : [`${partitionId}: ${text(counts)}`],
  )

/** Alerts and repairs that say that what is stored is not as it should be: whatever happens to processes, it is. */
const inDoubt: ReadonlySet<string> = new Set([
  ...['ledgerAhead', 'hashDiffers', 'checkpointMissing', 'phantomCompletion', 'coverageGap', 'coverageOverlap'],
  ...['eventContradicted', 'offsetWentBack', 'offsetTooFar', 'offsetMetadataLost'],
])

/** The supervisor finds nothing where nothing is; that it finds what is, `npm run seeded-faults` shows. */
const nothingIsInvented: Invariant = ({ events, wentBack }) =>
  wentBack
    ? []
    : events.flatMap((event) =>
        (event.type === 'alert.raised' || event.type === 'repair.made') && inDoubt.has(event.kind)
          ? [`${event.type} ${event.kind}: ${event.message}`]
          : [],
      )

export const invariants: Readonly<Record<string, Invariant>> = {
  I1: rangesTile,
  I2: cursorsMove,
  I3: chainsHold,
  I4: sinkIsExact,
  I5: sumsAgree,
  I6: epochsFence,
  I7: endsAbsorb,
  I8: offsetsFollow,
  I9: nothingStrands,
  I10: metadataFollows,
  I11: ledgerFollows,
  I12: orderIsFree,
  I13: oneRunAKey,
  I14: plansRepeat,
  I16: cancelStops,
  I17: pausesHold,
  I18: runsEnd,
  I19: littleIsReadAgain,
  I20: countsAddUp,
  I25: nothingIsInvented,
}

export interface Violation {
  readonly invariant: string
  readonly what: string
}

export const violationsOf = (facts: Facts): readonly Violation[] =>
  Object.entries(invariants).flatMap(([invariant, holds]) => holds(facts).map((what) => ({ invariant, what })))
