import type { PinnedBounds } from '../contract/plan.ts'
import type { KeyRange } from '../contract/range.ts'
import { keyKindOf } from './cut.ts'

/** The pinned domain as one range. */
export function rangeOf(bounds: PinnedBounds): KeyRange {
  return 'column' in bounds
    ? { kind: keyKindOf(bounds), from: bounds.from, to: bounds.to }
    : { kind: 'integer', from: '0', to: String(positionsOf(bounds)) }
}

/** Rows in the pinned domain, when the source knows; of a topic the offsets, of which some may have no record. */
export function estimatedRowsOf(bounds: PinnedBounds): number | null {
  return 'column' in bounds ? bounds.estimatedRows : positionsOf(bounds)
}

function positionsOf(bounds: Extract<PinnedBounds, { kind: 'rows' | 'offsets' }>): number {
  return bounds.kind === 'rows'
    ? bounds.files.reduce((sum, { rowGroups }) => rowGroups.reduce((rows, group) => rows + group, sum), 0)
    : bounds.topicPartitions.reduce((sum, { from, to }) => sum + Number(BigInt(to) - BigInt(from)), 0)
}
