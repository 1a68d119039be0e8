import type { Limits } from '../define/define-backfill.ts'
import type { Rejections } from '../sink/sink.ts'

export type BudgetLimits = Required<Pick<Limits, 'maxRejectedRows' | 'maxRejectedRatio'>>

/** With fewer rows read than these a share says little: the first bad row of a run would be all of its rows. */
const leastRows = 1_000

/** How the run's error budget is spent when these are its totals; null while it is not. */
export function spentBudget({ maxRejectedRows, maxRejectedRatio }: BudgetLimits, run: Rejections): string | null {
  const { rowsRead, rowsRejected } = run
  if (rowsRejected > maxRejectedRows)
    return `${rowsRejected} rows of the run are bad, limits.maxRejectedRows is ${maxRejectedRows}`
  if (rowsRejected > maxRejectedRatio * Math.max(rowsRead, leastRows))
    return `${rowsRejected} of ${rowsRead} rows of the run are bad, limits.maxRejectedRatio is ${maxRejectedRatio}`
  return null
}
