import type { PinnedBounds } from '../contract/plan.ts'
import type { Cursor, KeyRange } from '../contract/range.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'

/**
 * An array, or rows made as they are asked for, so that not all are in memory: to be taken before the next page is. A
 * `NoRow` among them stands for one that the source cannot make, or leaves out.
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
  /**
   * The closed, finite domain as it is now; of `before`, what has come in above, which may be nothing.
   * Throws TerminalError (PARAMS_INVALID, SOURCE_NOT_READABLE).
   */
  pin(partitionBy: PartitionBy, params: AnyRow, signal: AbortSignal, before?: PinnedBounds): Promise<PinnedBounds>
  /** Whether rows have come in above these bounds: a quick look. Left out: rows of such a source are in no order. */
  hasAbove?(before: PinnedBounds, signal: AbortSignal): Promise<boolean>
  /** What of this domain makes a run slow or leaves rows out, each with its remedy. Left out: there is nothing to say. */
  warnings?(bounds: PinnedBounds, signal: AbortSignal): Promise<readonly string[]>
  /**
   * Waits until nothing comes in any more below bounds that were pinned before, as far as the source can tell.
   * Throws TerminalError (SOURCE_NOT_READABLE) naming what is still open after a while. Left out: nothing does.
   */
  settle?(signal: AbortSignal): Promise<void>
  /** Pages of at most `chunkRows` rows of the range, in order, beginning after the cursor. */
  read(range: SourceRange, after: Cursor | null, chunkRows: number, signal: AbortSignal): AsyncIterable<Page>
}
