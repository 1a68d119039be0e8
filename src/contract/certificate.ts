import { z } from 'zod'
import { DecimalInteger } from './range.ts'

export const Count = z.int().nonnegative()

/**
 * What was done so far, as absolute totals: a lost or doubled event changes nothing, the next one catches up.
 * rowsRead = rowsWritten + rowsFiltered + rowsRejected when each row gives at most one row.
 */
export const Totals = z.object({
  /** Rows taken from the source. */
  rowsRead: Count,
  /** Rows committed to the sink. */
  rowsWritten: Count,
  /** Rows the transform left out. */
  rowsFiltered: Count,
  /** Rows that could not be written and stand in rejected_row. */
  rowsRejected: Count,
  /** Chunks committed; equal to the partition's sequence, or their sum over partitions. */
  chunks: Count,
  /** Sum of the record hashes of the rows written, a whole number of any size: order-free, and additive over chunks. */
  contentHash: DecimalInteger,
})
export type Totals = z.infer<typeof Totals>

export const noTotals: Totals = Object.freeze({
  rowsRead: 0,
  rowsWritten: 0,
  rowsFiltered: 0,
  rowsRejected: 0,
  chunks: 0,
  contentHash: '0',
})

export function addTotals(a: Totals, b: Totals): Totals {
  return {
    rowsRead: a.rowsRead + b.rowsRead,
    rowsWritten: a.rowsWritten + b.rowsWritten,
    rowsFiltered: a.rowsFiltered + b.rowsFiltered,
    rowsRejected: a.rowsRejected + b.rowsRejected,
    chunks: a.chunks + b.chunks,
    contentHash: (BigInt(a.contentHash) + BigInt(b.contentHash)).toString(),
  }
}
