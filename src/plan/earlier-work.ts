import { isDeepStrictEqual } from 'node:util'
import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import { isTerminalPartition, isTerminalRun } from '../contract/states.ts'
import type { Backfill } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { SinkTarget } from '../sink/sink.ts'
import { admitParams } from './admit-params.ts'
import { isSameDomain, orderOf } from './domain-order.ts'
import type { EarlierPartition, EarlierRunStore } from './earlier-run-store.ts'
import type { Run } from './run.ts'
import { append, joined, laidOver, type Span, within } from './stretches.ts'

/** What a run did of a part of a domain. */
export interface Stretch extends Span {
  /** `failed`: tried, and not completed. `in flight`: it may still be done. */
  readonly did: 'completed' | 'failed' | 'in flight'
  readonly runId: RunId
}

export interface EarlierWork {
  /** Ascending, disjoint; of runs that overlap the later one counts. What none of them tried is in no stretch. */
  readonly stretches: readonly Stretch[]
  /** All runs of the backfill on the target. */
  readonly runs: number
  /** Those of them that say nothing of this domain: of other params, another column, or other files. */
  readonly ignoredRuns: number
}

export interface EarlierWorkOptions {
  readonly backfill: Backfill
  readonly target: SinkTarget
  readonly params: AnyRow
  readonly bounds: PinnedBounds
}

export type EarlierRuns = Pick<EarlierRunStore, 'runsOn' | 'earlierPartitions'>

const perPage = 5_000

/**
 * What earlier runs of a backfill on a target did of a domain. Those count whose params are the same, but for the bounds,
 * and whose places are the same rows (domain-order.ts); their definition may have been another one.
 */
export async function earlierWork(
  runs: EarlierRuns,
  { backfill, target, params, bounds }: EarlierWorkOptions,
  signal: AbortSignal,
): Promise<EarlierWork> {
  const all = await runs.runsOn(backfill.id, target)
  const { whole, value } = orderOf(bounds)
  let [stretches, ignoredRuns] = [[] as readonly Stretch[], 0]
  for (const run of all) {
    if (!isSameDomain(run.bounds, bounds) || !(await hasSameParams(backfill, run, params))) {
      ignoredRuns += 1
      continue
    }
    const own = await stretchesOf(runs, run, value, signal)
    stretches = joined(laidOver(stretches, own), isAlike)
  }
  return { stretches: [...within(stretches, [whole])], runs: all.length, ignoredRuns }
}

async function stretchesOf(
  runs: EarlierRuns,
  run: Run,
  value: (bound: string) => bigint,
  signal: AbortSignal,
): Promise<readonly Stretch[]> {
  const { id: runId, bounds, isPlanned } = run
  const hasEnded = isTerminalRun(run.state)
  const own: Stretch[] = []
  const add = (span: Span, did: Stretch['did'] | null): void => {
    if (did !== null && span.from < span.to) append(own, { ...span, did, runId }, isAlike)
  }
  if (!hasEnded && !isPlanned) {
    add(orderOf(bounds).whole, 'in flight')
    return own
  }
  for (let after = -1; ; ) {
    signal.throwIfAborted()
    const page = await runs.earlierPartitions(runId, after, perPage)
    for (const partition of page)
      add({ from: value(partition.from), to: value(partition.to) }, whatWasDone(partition, hasEnded))
    const last = page.at(-1)
    if (last === undefined) return own
    after = last.index
  }
}

function whatWasDone({ state, epoch }: EarlierPartition, hasEnded: boolean): Stretch['did'] | null {
  if (state === 'completed') return 'completed'
  if (state === 'failed' || (hasEnded && epoch > 0)) return 'failed'
  return hasEnded || isTerminalPartition(state) ? null : 'in flight'
}

const isAlike = (a: Stretch, b: Stretch): boolean => a.did === b.did && a.runId === b.runId

/** Params that were right once and are not by now are other ones. */
async function hasSameParams(backfill: Backfill, run: Pick<Run, 'params'>, params: AnyRow): Promise<boolean> {
  try {
    return isDeepStrictEqual(boundless(backfill, await admitParams(backfill, run.params)), boundless(backfill, params))
  } catch (error) {
    if (error instanceof TerminalError) return false
    throw error
  }
}

function boundless({ partitionBy }: Backfill, params: AnyRow): object {
  const bounds = 'bounds' in partitionBy && partitionBy.bounds !== null ? Object.values(partitionBy.bounds) : []
  const names: readonly unknown[] = partitionBy.kind === 'list' ? [partitionBy.values] : bounds
  return Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)))
}
