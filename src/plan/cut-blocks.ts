import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import { shareOfRows } from './share-of-rows.ts'

/** Ranges of as many blocks as hold about `rows` rows, one at least; the last is smaller. */
export function* cutBlocks(
  { blocks, beforeXid, filenode, rowsPerBlock, estimatedRows }: Extract<PinnedBounds, { kind: 'blocks' }>,
  rows: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  const size = Math.max(1, Math.floor(rows / rowsPerBlock))
  const locator = { beforeXid, filenode, rowsPerBlock }
  const share = shareOfRows(estimatedRows, 0n, BigInt(blocks))
  for (let from = 0; from < blocks; from += size) {
    const to = Math.min(from + size, blocks)
    yield { from: String(from), to: String(to), locator, estimatedRows: share(BigInt(from), BigInt(to)) }
  }
}
