import { z } from 'zod'
import { Count, Totals } from './certificate.ts'
import { PartitionId } from './ids.ts'
import { Cursor } from './range.ts'
import { PartitionState } from './states.ts'

/**
 * Durable progress of a partition. The row in the sink's own database is the truth; offset metadata and status
 * events carry copies of it that may be late, lost or doubled.
 */
export const Checkpoint = z.object({
  partitionId: PartitionId,
  /** Which hold this is: rises by one at every claim; the fencing token. */
  epoch: Count,
  /** Chunks committed since the partition began, over all epochs. */
  sequence: Count,
  /** Null: no row handled yet. */
  cursor: Cursor.nullable(),
  state: PartitionState,
  totals: Totals,
})
export type Checkpoint = z.infer<typeof Checkpoint>

/** Later truth wins: the higher epoch, then the higher sequence, then a terminal state. */
export function compareCheckpoints(
  a: Pick<Checkpoint, 'epoch' | 'sequence'>,
  b: Pick<Checkpoint, 'epoch' | 'sequence'>,
): number {
  return a.epoch - b.epoch || a.sequence - b.sequence
}
