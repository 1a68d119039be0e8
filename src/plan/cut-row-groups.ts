import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { fileLocator } from './file-locator.ts'

/** One partition per row group that has rows. */
export function* cutRowGroups(
  bounds: Extract<PinnedBounds, { kind: 'rows' }>,
): Generator<Omit<PlannedPartition, 'index'>> {
  let position = 0
  for (const file of bounds.files) {
    const locator = fileLocator(file, position)
    for (const rows of file.rowGroups) {
      if (rows > 0) yield { from: String(position), to: String(position + rows), locator, estimatedRows: rows }
      position += rows
    }
  }
}
