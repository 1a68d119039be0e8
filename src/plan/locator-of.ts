import type { KeyBounds, NumberedBounds, PlannedPartition } from '../contract/plan.ts'

/** What a partition of these bounds counts in: a column, its hash, or several columns. */
export function locatorOf(bounds: NumberedBounds | KeyBounds): PlannedPartition['locator'] {
  if (bounds.kind === 'key') return { columns: bounds.columns }
  return 'hashed' in bounds ? { column: bounds.column, hashed: true } : { column: bounds.column }
}
