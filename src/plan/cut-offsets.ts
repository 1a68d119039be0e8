import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PlannedPartition } from '../contract/plan.ts'
import type { OffsetLocator } from './offset-locator.ts'

/** Ranges of `size` offsets, the last of each topic partition smaller: a partition never crosses a topic partition. */
export function* cutOffsets(
  { topic, topicId, topicPartitions }: Extract<PinnedBounds, { kind: 'offsets' }>,
  size: number,
): Generator<Omit<PlannedPartition, 'index'>> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new TerminalError('PLAN_INVALID', `partitionBy offsets ${size}: must be a whole number from 1`)
  const step = BigInt(size)
  let position = 0n
  for (const { topicPartition, ...pinned } of topicPartitions) {
    const end = BigInt(pinned.to)
    for (let from = BigInt(pinned.from); from < end; from += step) {
      const to = from + step < end ? from + step : end
      const firstPosition = position
      position += to - from
      const locator: OffsetLocator = {
        ...{ topic, topicId, topicPartition, from: from.toString(), to: to.toString() },
        firstPosition: firstPosition.toString(),
      }
      yield {
        ...{ from: firstPosition.toString(), to: position.toString(), locator },
        // No more than that: of offsets without a record nothing is known ahead.
        estimatedRows: Number(to - from),
      }
    }
  }
}
