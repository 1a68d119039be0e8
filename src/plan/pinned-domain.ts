import type { PinnedBounds } from '../contract/plan.ts'
import type { KeyRange } from '../contract/range.ts'
import { keyKindOf } from './cut.ts'

/** The pinned domain as one range. */
export function rangeOf(bounds: PinnedBounds): KeyRange {
  return bounds.kind === 'rows'
    ? { kind: 'integer', from: '0', to: String(rowsOf(bounds.files)) }
    : { kind: keyKindOf(bounds), from: bounds.from, to: bounds.to }
}

/** Rows in the pinned domain, when the source knows. */
export function estimatedRowsOf(bounds: PinnedBounds): number | null {
  return bounds.kind === 'rows' ? rowsOf(bounds.files) : bounds.estimatedRows
}

const rowsOf = (files: Extract<PinnedBounds, { kind: 'rows' }>['files']): number =>
  files.reduce((sum, { rowGroups }) => rowGroups.reduce((rows, group) => rows + group, sum), 0)
