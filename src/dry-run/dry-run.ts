import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import type { PlanReport } from '../contract/plan-report.ts'
import type { Reprocess } from '../contract/request.ts'
import type { DiscoveredBackfill } from '../define/discover.ts'
import { checkRun } from '../plan/check-run.ts'
import { cut, keyKindOf } from '../plan/cut.ts'
import { type EarlierRuns, type EarlierWorkOptions, earlierWork } from '../plan/earlier-work.ts'
import { rangeOf } from '../plan/pinned-domain.ts'
import { outlinePlan } from '../plan/plan-hash.ts'
import { selected } from '../plan/reprocess.ts'
import type { Run } from '../plan/run.ts'
import type { Sink, SinkTarget } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { forecast } from './forecast.ts'
import { probe } from './probe.ts'
import { type Counted, countedAsTheyPass } from './sizes.ts'

export interface DryRunDeps {
  readonly source: Source
  readonly sink: Sink
  readonly earlier: EarlierRuns
  /** The live run on a target; null when there is none. */
  liveRunOn(this: void, target: SinkTarget): Promise<Pick<Run, 'id' | 'backfill' | 'state'> | null>
  random(this: void): number
}

export interface DryRunOptions {
  readonly params: PlanReport['params']
  readonly reprocess: Reprocess
  readonly lists: 'largest' | 'all'
  /** Null: nothing is probed. */
  readonly workers: { readonly count: number; readonly slots: number } | null
}

const [probedPartitions, chunksEach] = [6, 2]
const mostLeftOut = 100

/**
 * What a start request with these params would do: checked, pinned and cut as the planner does it, and priced by trying
 * some chunks. Reads source and sink; what it writes is in temporary tables. Throws TerminalError with everything that
 * is wrong at once.
 */
export async function dryRun(
  { source, sink, earlier, liveRunOn, random }: DryRunDeps,
  discovered: DiscoveredBackfill,
  { params: given, reprocess, lists, workers }: DryRunOptions,
  signal: AbortSignal,
): Promise<PlanReport> {
  const { backfill, hash } = discovered
  const { params, target } = await checkRun(
    { openSource: () => source, openSink: async () => sink },
    discovered,
    given,
    signal,
  )
  const live = await liveRunOn(target)
  const pinned = await source.pin(backfill.partitionBy, params, signal)
  const { bounds, selection } =
    reprocess === 'all'
      ? { bounds: pinned, selection: null }
      : await selectedOf(earlier, reprocess, { backfill, target, params, bounds: pinned }, signal)
  sink.buffer(rangeOf(bounds))
  let counted: Counted = { rows: null, listed: [] }
  const passing = countedAsTheyPass(cut(bounds, backfill.partitionBy), lists, (found) => {
    counted = found
  })
  const outline = await outlinePlan(hash, bounds, passing, signal)
  const tried =
    workers === null ? [] : chosenFor(cut(bounds, backfill.partitionBy), outline.partitions, probedPartitions)
  const atOnce = Math.min(tried.length, workers?.slots ?? 1)
  const chunks = await probe(
    { source, sink, backfill, params, kind: keyKindOf(bounds), partitions: tried, atOnce, chunksEach },
    signal,
  )
  const rows = outline.estimatedRows
  const price =
    workers === null || rows === null
      ? null
      : forecast(
          {
            ...{ chunks, atOnce, rows, partitions: outline.partitions, workers: workers.count, slots: workers.slots },
            rowsPerSecond: backfill.limits.rowsPerSecond,
            maxConcurrentPartitions: backfill.limits.maxConcurrentPartitions,
          },
          random,
        )
  return {
    version: 1,
    backfill: backfill.id,
    definitionHash: hash,
    planId: outline.planHash,
    params: given,
    target: target.name,
    range: rangeOf(bounds),
    rule: ruleOf(bounds),
    why: 'why' in bounds ? (bounds.why ?? null) : null,
    partitions: outline.partitions,
    rows: counted.rows,
    conflicts:
      live === null
        ? []
        : [
            `run ${live.id} of backfill "${live.backfill}" is ${live.state} on the same target: wait until it has ended`,
          ],
    warnings: [...((await source.warnings?.(bounds, signal)) ?? [])],
    selection,
    forecast:
      price === null
        ? null
        : { ...price, probedChunks: chunks.length, probedRows: chunks.reduce((sum, chunk) => sum + chunk.rows, 0) },
    listed: [...counted.listed],
  }
}

async function selectedOf(
  earlier: EarlierRuns,
  reprocess: Exclude<Reprocess, 'all'>,
  of: EarlierWorkOptions,
  signal: AbortSignal,
): Promise<Pick<PlanReport, 'selection'> & { readonly bounds: PinnedBounds }> {
  const { stretches, ignoredRuns } = await earlierWork(earlier, of, signal)
  const { bounds, leftOut } = selected(of.bounds, reprocess, stretches)
  return {
    bounds,
    selection: { reprocess, leftOut: leftOut.slice(0, mostLeftOut), leftOutRanges: leftOut.length, ignoredRuns },
  }
}

/** Partitions from all over the plan, so that what is tried is like what is not. */
function chosenFor(partitions: Iterable<PlannedPartition>, count: number, wanted: number): PlannedPartition[] {
  const places = new Set(
    Array.from({ length: Math.min(wanted, count) }, (_, at) =>
      Math.floor(((at + 0.5) * count) / Math.min(wanted, count)),
    ),
  )
  const chosen: PlannedPartition[] = []
  for (const partition of partitions) {
    if (places.has(partition.index) && partition.estimatedRows !== 0) chosen.push(partition)
    if (partition.index >= Math.max(...places)) break
  }
  return chosen
}

function ruleOf(bounds: PinnedBounds): string {
  if ('files' in bounds)
    return 'the rows of the files as they are now: a file that is changed, or added, belongs to a later run'
  if (bounds.kind === 'offsets')
    return `the records of topic ${bounds.topic} that are there and committed now: those that come later belong to a later run; offsets without a record count as rows here`
  if (bounds.kind === 'blocks')
    return `the rows that are there and committed now, in ${bounds.blocks.toLocaleString('en')} blocks: one that comes in, or is changed before it is read, belongs to a later run`
  if (bounds.kind === 'key' && bounds.values !== undefined)
    return `rows whose ${bounds.columns.join(', ')} is one of ${bounds.values.length.toLocaleString('en')} values`
  if (bounds.kind === 'key')
    return `rows whose ${bounds.columns.join(', ')} is from ${bounds.from} to before ${bounds.to}: those above belong to a later run`
  if (bounds.kind === 'integer' && bounds.hashed) return 'all rows, those that come while it runs among them'
  return `rows whose ${bounds.column} is from ${bounds.from} to before ${bounds.to}: those above belong to a later run`
}
