import { type Bookmark, offsetOf, type Place, type Spot, type TopicState, writeBookmark } from './bookmark.ts'

/** How far a subscriber has come in the topic. */
export interface Position {
  /** By topic partition, where reading begins. */
  readonly from: ReadonlyMap<number, bigint>
  /** The offset that is next, if all come that were ever there; undefined: it does not matter yet. */
  expected(topicPartition: number): bigint | undefined
  /** A record was read. False: it was handed over before the bookmark, and is not again. */
  pass(spot: Spot): boolean
  /** Right after what was read, but for a record that is kept back. */
  bookmark(keptBack: Spot | null): Bookmark
}

/**
 * `after`: what was handed over before. With `again`, what was is read once more, from the beginning, so that what it says
 * is known.
 */
export function createPosition(
  topic: TopicState,
  begin: 'beginning' | 'now',
  after: Place | null,
  again: boolean,
): Position {
  const start = topic.offsets.map(({ first, next }, topicPartition) => {
    if (after !== null && !again) return offsetOf(after, topicPartition, first)
    return begin === 'now' && after === null ? next : first
  })
  const reached: (bigint | undefined)[] = start.map((offset) =>
    begin === 'now' && after === null ? offset : undefined,
  )
  let owed = after?.owed ?? null
  const passed = (topicPartition: number): bigint => {
    const [here, before] = [reached[topicPartition] ?? start[topicPartition] ?? 0n, after?.next[topicPartition] ?? 0n]
    return here > before ? here : before
  }
  return {
    from: new Map(start.entries()),
    expected: (topicPartition) => reached[topicPartition] ?? after?.next[topicPartition],
    pass: ({ topicPartition, offset }) => {
      reached[topicPartition] = offset + 1n
      if (owed?.topicPartition === topicPartition && owed.offset === offset) {
        owed = null
        return true
      }
      return after === null || offset >= (after.next[topicPartition] ?? 0n)
    },
    bookmark: (keptBack) =>
      writeBookmark({
        topic: topic.name,
        topicId: topic.id,
        next: start.map((_, topicPartition) => passed(topicPartition)),
        owed: keptBack ?? owed,
      }),
  }
}
