import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PinnedTextFile, PlannedPartition } from '../contract/plan.ts'
import { fileLocator } from './file-locator.ts'
import { shareOfRows } from './share-of-rows.ts'

/**
 * Ranges of `size` bytes, the last of each file smaller: a partition never crosses a file. Where only a look at the whole
 * file tells where records begin, it was taken when the bounds were pinned, and the ranges begin where it says.
 */
export function* cutBytes(
  bounds: Extract<PinnedBounds, { kind: 'bytes' }>,
  size: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new TerminalError('PLAN_INVALID', `partitionBy bytes ${size}: must be a whole number from 1`)
  let firstPosition = 0
  for (const file of bounds.files) {
    const locator = fileLocator(file, firstPosition)
    const share = shareOfRows(file.estimatedRows, 0n, BigInt(file.bytes))
    let from = 0
    for (const to of endsOf(file, size)) {
      yield {
        from: String(firstPosition + from),
        to: String(firstPosition + to),
        locator,
        estimatedRows: share(BigInt(from), BigInt(to)),
      }
      from = to
    }
    firstPosition += file.bytes
  }
}

/** Where the ranges of a file end, ascending. */
function* endsOf({ bytes, starts }: PinnedTextFile, size: number): Generator<number> {
  if (starts !== null) yield* starts
  else for (let end = size; end < bytes; end += size) yield end
  if (bytes > 0) yield bytes
}
