import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { fileLocator } from './file-locator.ts'

/** Ranges of `size` rows, the last of each file smaller: a partition never crosses a file. */
export function* cutRows(
  bounds: Extract<PinnedBounds, { kind: 'rows' }>,
  size: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new TerminalError('PLAN_INVALID', `partitionBy rows ${size}: must be a whole number from 1`)
  let firstPosition = 0
  for (const file of bounds.files) {
    const locator = fileLocator(file, firstPosition)
    const end = file.rowGroups.reduce((sum, rows) => sum + rows, firstPosition)
    for (let from = firstPosition; from < end; from += size) {
      const to = Math.min(from + size, end)
      yield { from: String(from), to: String(to), locator, estimatedRows: to - from }
    }
    firstPosition = end
  }
}
