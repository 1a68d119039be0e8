import type { About } from '../contract/alert.ts'
import type { WorkerId } from '../contract/ids.ts'
import type { BudgetLimits } from '../work/error-budget.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'
import type { RunFacts } from './run-facts.ts'

export interface RunThresholds {
  /** Nothing of a run has moved for so long: it stands still. */
  readonly stalledMs: number
  /** So many times the median of the completed partitions, and at least so long, is slow. */
  readonly slowFactor: number
  readonly slowMs: number
}

export interface RunLook {
  readonly about: Pick<About, 'runId' | 'backfill'>
  readonly facts: RunFacts
  readonly thresholds: RunThresholds
  readonly limits: BudgetLimits
  /** By the wall clock, as the events of the ledger. */
  readonly nowMs: number
  /** When its intent was last changed: what happened before is no measure. */
  readonly intendedMs: number
  /** For how long nothing of it has moved. */
  readonly stoodMs: number
  /** Whether another run has moved meanwhile: then this one may wait for its turn. */
  readonly othersMove: boolean
  /** Undefined: they are not known. */
  readonly workers: readonly WorkerId[] | undefined
}

/** Completed partitions by which others can be judged. */
const [leastForSlow, leastForSkew] = [10, 20]
const skewFactor = 10
/** What fewer rows take nobody waits for. */
const leastSkewedRows = 100_000
const budgetShare = 0.8
/** With fewer rows read than these a share says little. */
const leastRows = 1_000

/** What is to be said of a live run: each rule names the numbers it judges by. */
export function runConditions(look: RunLook): readonly Condition[] {
  return [...stalled(look), ...slow(look), ...skewed(look), ...budget(look)]
}

export function failedCondition(about: RunLook['about'], { failed }: RunFacts): readonly Condition[] {
  return failed === 0 ? [] : [condition('partitionsFailed', about, `${failed} partitions failed for good`)]
}

function* stalled(look: RunLook): Generator<Condition> {
  const { about, stoodMs, thresholds } = look
  if (stoodMs < thresholds.stalledMs) return
  const stage = stageOf(look)
  if (stage === null) return
  const message = `nothing has moved for ${seconds(stoodMs)}: ${stage.what}`
  yield condition('runStalled', about, message, { remedy: stage.remedy })
}

/** Where a run stands still, and what that stage needs; null where it may wait. That only the ledger is late, `ledgerLag` says. */
function stageOf({ facts, workers, othersMove }: RunLook): { what: string; remedy: string } | null {
  const { unpublished, unclaimed, held, holders } = facts.waiting
  if (held > 0)
    return {
      what: `${held} partitions are held by ${holders.join(', ') || 'workers'}, and no chunk of them is committed`,
      remedy:
        'Look at the log of these workers, and at locks in the source and the sink; a worker that is started again goes on where it was.',
    }
  if (unclaimed > 0 && workers?.length === 0)
    return {
      what: `${unclaimed} partitions are not claimed, and no worker is in the group`,
      remedy: 'Start a worker: `tidemark worker`.',
    }
  if (unclaimed > 0)
    return othersMove
      ? null
      : {
          what: `${unclaimed} partitions are published and not claimed, by ${workers?.join(', ') ?? 'workers that are not known'}`,
          remedy:
            'Look at the log of the workers: they may not know the definition of the backfill, or not reach its databases.',
        }
  if (unpublished > 0)
    return othersMove
      ? null
      : {
          what: `${unpublished} tasks are not published`,
          remedy: 'Start a planner: `tidemark planner`; one that runs says in its log why not.',
        }
  return null
}

function* slow({ about, facts, thresholds, nowMs, intendedMs }: RunLook): Generator<Condition> {
  if (facts.completed < leastForSlow) return
  const limitMs = Math.max(thresholds.slowMs, thresholds.slowFactor * facts.medianMs)
  for (const { partitionId, index, worker, sinceMs } of facts.running) {
    const tookMs = nowMs - Math.max(sinceMs, intendedMs)
    if (tookMs <= limitMs) continue
    const message = `partition ${index} runs for ${seconds(tookMs)} on ${worker}, the median of ${facts.completed} completed ones is ${seconds(facts.medianMs)}`
    yield condition('partitionSlow', { ...about, partitionId, index }, message)
  }
}

function* skewed({ about, facts: { completed, medianRows, largest } }: RunLook): Generator<Condition> {
  if (completed < leastForSkew || largest === null || largest.rows < leastSkewedRows) return
  if (largest.rows < skewFactor * Math.max(1, medianRows)) return
  yield condition(
    'partitionsSkewed',
    about,
    `partition ${largest.index} had ${largest.rows} rows, the median of ${completed} completed ones is ${medianRows}`,
  )
}

function* budget({ about, facts: { rejections }, limits }: RunLook): Generator<Condition> {
  const { rowsRead, rowsRejected } = rejections
  if (limits.maxRejectedRows === 0 || rowsRejected === 0) return
  const byRatio = limits.maxRejectedRatio * Math.max(rowsRead, leastRows)
  const most = Math.floor(Math.min(limits.maxRejectedRows, byRatio))
  if (rowsRejected < budgetShare * most) return
  yield condition('errorBudgetLow', about, `${rowsRejected} rows are rejected, ${most} may be`)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
