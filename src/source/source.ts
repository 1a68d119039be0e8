import type { PinnedBounds } from '../contract/plan.ts'
import type { Cursor, KeyRange } from '../contract/range.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'

/**
 * An array, or rows made as they are asked for, so that not all are in memory: to be taken before the next page is. One
 * that the source cannot give may be a NoRow.
 */
export interface PageRows extends Iterable<AnyRow> {
  readonly length: number
}

/** Rows that become one chunk. `cursor`: position of the last of them (of the chunk before when there are none). */
export interface Page {
  readonly rows: PageRows
  readonly cursor: Cursor | null
  /** No row of the range follows. Exactly one page of a read is the last, an empty one when the range has no rows. */
  readonly last: boolean
}

export interface SourceRange {
  readonly range: KeyRange
  readonly locator: TaskMessage['locator']
}

/** Where rows come from: the same range read twice gives the same rows in the same order. */
export interface Source {
  /** Throws TerminalError (SOURCE_NOT_READABLE) with every way in which the source is missing or contradicts its schema. */
  check(signal: AbortSignal): Promise<void>
  /** The closed, finite domain as it is now. Throws TerminalError (PARAMS_INVALID, SOURCE_NOT_READABLE). */
  pin(partitionBy: PartitionBy, params: AnyRow, signal: AbortSignal): Promise<PinnedBounds>
  /** Pages of at most `chunkRows` rows of the range, in order, beginning after the cursor. */
  read(range: SourceRange, after: Cursor | null, chunkRows: number, signal: AbortSignal): AsyncIterable<Page>
}
