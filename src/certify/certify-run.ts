import type { Totals } from '../contract/certificate.ts'
import { messageOf } from '../contract/errors.ts'
import type { PartitionId } from '../contract/ids.ts'
import type {
  CoverageFlaw,
  PartitionDifference,
  RowDifference,
  RowsProof,
  RunCertificate,
} from '../contract/run-certificate.ts'
import { isTerminalPartition, type PartitionState } from '../contract/states.ts'
import { orderOf } from '../plan/domain-order.ts'
import type { Run } from '../plan/run.ts'
import { type Span, within } from '../plan/stretches.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import type { Sink, StoredCheckpoint } from '../sink/sink.ts'
import { type CoveredPartition, coverageFlaws } from './coverage.ts'
import { type SentAgainDeps, sentAgain, sourceTotals } from './sent-again.ts'

/** A run with its plan, and what else was done on its target. */
export interface CertifiedRun {
  readonly run: Run
  readonly plan: readonly StoredPartition[]
  /** Completed by runs that retry this one, in the order of its domain: ascending, disjoint. */
  readonly retried: readonly Span[]
  /** Written by later runs, in the same order: what stands there is theirs. */
  readonly overwritten: readonly Span[]
}

export interface CertifyDeps {
  readonly sink: Sink
  readonly again: SentAgainDeps
  now(this: void): Date
}

export interface CertifyOptions {
  /** Whether all rows are read and transformed again, not only those of partitions that differ. */
  readonly withSource: boolean
}

const mostListed = 100

/**
 * Holds what stands in the sink against what the run sent, partition by partition, and both against the plan. Reads
 * checkpoint rows, chunks and the table, each once, and of partitions that differ the source; writes nothing that stays.
 */
export async function certifyRun(
  deps: CertifyDeps,
  { run, plan, retried, overwritten }: CertifiedRun,
  { withSource }: CertifyOptions,
  signal: AbortSignal,
): Promise<RunCertificate> {
  const { sink } = deps
  const { checkpoints, spans, flaws } = await coverRun(sink, { run, plan, retried })
  const superseded = new Set([...within(spans, overwritten)].map(({ index }) => index))
  const told = plan.flatMap((partition) => {
    const checkpoint = checkpoints.get(partition.partitionId)
    if (checkpoint === undefined || superseded.has(partition.index) || !hasRows(checkpoint)) return []
    return [{ partition, sent: proofOf(checkpoint.totals) }]
  })
  const storedTotals = await sink.stored(told.map(({ partition }) => partition.range))
  const compared = told.map((one, at) => ({ ...one, stored: storedTotals?.[at] ?? null }))
  const sources: RowsProof[] = []
  const differing: PartitionDifference[] = []
  let differingPartitions = 0
  for (const one of compared) {
    signal.throwIfAborted()
    const read = withSource ? await readAgain(deps, one.partition, signal) : notRead
    if (read.source !== null) sources.push(read.source)
    if (isSame(one.sent, one.stored) && isSame(one.sent, read.source) && read.note === null) continue
    const difference = differing.length < mostListed ? await explained(deps, { ...one, ...read }, signal) : undefined
    if (difference !== undefined && sink.mergesByKey && isMerged(difference)) continue
    differingPartitions += 1
    if (difference !== undefined) differing.push(difference)
  }
  const count = (state: PartitionState): number => spans.filter((span) => span.state === state).length
  return {
    version: 1,
    certifies: 'run',
    at: deps.now().toISOString(),
    run: {
      ...{ id: run.id, requestKey: run.requestKey, backfill: run.backfill, state: run.state },
      ...{ definitionHash: run.definitionHash, planHash: run.planHash, range: run.range },
    },
    target: run.target,
    columns: [...(await sink.hashedColumns())],
    partitions: {
      total: run.partitions,
      completed: count('completed'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      unfinished: run.partitions - spans.filter((span) => isTerminalPartition(span.state)).length,
      superseded: superseded.size,
    },
    coverageFlaws: flaws.length,
    differingPartitions,
    sent: sumOf([...checkpoints.values()].map(({ totals }) => proofOf(totals))),
    stored: storedTotals === null ? null : sumOf(storedTotals),
    compared: sumOf(compared.map(({ sent }) => sent)),
    source: withSource && sources.length === compared.length ? sumOf(sources) : null,
    verdict:
      superseded.size > 0 && compared.length === 0
        ? 'overwritten'
        : verdictOf(flaws.length, differingPartitions, storedTotals !== null),
    flaws: flaws.slice(0, mostListed),
    differences: differing,
  }
}

/** How far the partitions of a run are, and where they do not tile its plan. */
export interface CoveredRun {
  readonly checkpoints: ReadonlyMap<PartitionId, StoredCheckpoint>
  /** In the order of the plan. */
  readonly spans: readonly CoveredPartition[]
  readonly flaws: readonly CoverageFlaw[]
}

/** Holds checkpoint rows and chunks against the plan: reads no row of the table. */
export async function coverRun(
  sink: Sink,
  { run, plan, retried }: Omit<CertifiedRun, 'overwritten'>,
): Promise<CoveredRun> {
  const order = orderOf(run.bounds)
  const checkpoints = new Map((await sink.checkpoints(run.id)).map((row) => [row.partitionId, row]))
  const spans = plan.map(
    ({ index, partitionId, range }): CoveredPartition => ({
      index,
      from: order.value(range.from),
      to: order.value(range.to),
      state: checkpoints.get(partitionId)?.state ?? 'pending',
    }),
  )
  const flaws = [
    ...coverageFlaws({ wanted: wantedOf(run), plan: spans, elsewhere: retried, text: order.text }),
    ...(await chainFlaws(sink, run, plan)),
  ]
  return { checkpoints, spans, flaws }
}

interface Compared extends ReadAgain {
  readonly partition: StoredPartition
  readonly sent: RowsProof
  readonly stored: RowsProof | null
}

/** A run that does named partitions again has no domain but its plan. */
function wantedOf({ bounds, retryWhat }: Run): readonly Span[] {
  const { whole, value } = orderOf(bounds)
  if (retryWhat !== null && retryWhat !== 'cut') return []
  if (bounds.only !== undefined) return bounds.only.map(({ from, to }) => ({ from: value(from), to: value(to) }))
  return whole.from < whole.to ? [whole] : []
}

async function chainFlaws(sink: Sink, run: Run, plan: readonly StoredPartition[]): Promise<CoverageFlaw[]> {
  const broken = await sink.brokenChains(run.id)
  const planned = new Map<PartitionId, StoredPartition>(plan.map((partition) => [partition.partitionId, partition]))
  return broken.flatMap(({ partitionId, message }) => {
    const partition = planned.get(partitionId)
    if (partition === undefined) return []
    const { index, range } = partition
    return [{ what: 'broken chain', from: range.from, to: range.to, why: message, neighbours: [index, index] }]
  })
}

/** Its rows are what its checkpoint row says: it has ended, and a first chunk has emptied its range before. */
const hasRows = ({ state, sequence }: StoredCheckpoint): boolean => isTerminalPartition(state) && sequence > 0

const proofOf = ({ rowsWritten, contentHash }: Totals): RowsProof => ({ rows: rowsWritten, contentHash })

const isSame = (a: RowsProof, b: RowsProof | null): boolean =>
  b === null || (a.rows === b.rows && a.contentHash === b.contentHash)

function sumOf(proofs: readonly RowsProof[]): RowsProof {
  let [rows, hash] = [0, 0n]
  for (const proof of proofs) {
    rows += proof.rows
    hash += BigInt(proof.contentHash)
  }
  return { rows, contentHash: hash.toString() }
}

/** What a source gives now, or why that is not known. */
interface ReadAgain {
  readonly source: RowsProof | null
  readonly note: string | null
}

const notRead: ReadAgain = { source: null, note: null }

async function readAgain({ again }: CertifyDeps, partition: StoredPartition, signal: AbortSignal): Promise<ReadAgain> {
  const totals = await sourceTotals(again, partition, signal)
  return 'unreadable' in totals
    ? { source: null, note: `its source cannot be read again: ${totals.unreadable}` }
    : { source: totals, note: null }
}

/** Names the rows, where the source still gives what was sent. */
async function explained(
  { sink, again }: CertifyDeps,
  { partition, sent, stored, source, note }: Compared,
  signal: AbortSignal,
): Promise<PartitionDifference> {
  const { partitionId, index, range } = partition
  const about = { partitionId, index, range, sent, stored: stored ?? sent }
  const without = (note: string): PartitionDifference => ({ ...about, source, rows: [], note })
  if (note !== null) return without(note)
  const { pages, total } = sentAgain(again, partition, signal)
  let rows: readonly RowDifference[] | null
  try {
    rows = await sink.differences(range, pages, mostListed)
  } catch (error) {
    signal.throwIfAborted()
    return without(`the rows cannot be named: ${messageOf(error)}`)
  }
  const given = source ?? (rows !== null && rows.length < mostListed ? total() : null)
  return {
    ...about,
    source: given,
    rows: [...(rows ?? [])],
    note:
      rows === null
        ? 'the sink cannot tell which rows are those of the partition'
        : given !== null && !isSame(sent, given)
          ? 'the source does not give now what was sent: the rows named are those that differ from what it gives'
          : null,
  }
}

/** Rows with equal keys were sent, and the last of them stands: every row is as it should be. */
const isMerged = ({ sent, source, rows, note }: PartitionDifference): boolean =>
  rows.length === 0 && note === null && source !== null && isSame(sent, source)

function verdictOf(flaws: number, differing: number, canTell: boolean): RunCertificate['verdict'] {
  if (differing > 0) return 'different'
  if (flaws > 0) return 'incomplete'
  return canTell ? 'equal' : 'sent only'
}
