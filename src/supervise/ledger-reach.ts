/** Where a topic partition of the status topic begins and ends. */
export interface TopicEnd {
  readonly topicPartition: number
  /** The first offset that is there, and the one that the next record gets. */
  readonly low: bigint
  readonly high: bigint
}

/** How far the ledger has read the status topic, and where that ends. */
export interface LedgerPlace {
  /** Events that stand in the topic and are not recorded. */
  readonly behind: number
  /** By topic partition, of those that have any records, where reading goes on. What retention removed counts as read. */
  readonly read: ReadonlyMap<number, bigint>
  readonly ends: ReadonlyMap<number, bigint>
}

export interface LedgerReach {
  /** All that stood in the topic then is recorded. */
  readonly recordedThroughMs: number
  /** What is waited for: the ends of a moment. */
  readonly awaited: { readonly ends: ReadonlyMap<number, bigint>; readonly atMs: number }
}

/** Follows up to when the ledger knows all that was told. `before` is undefined at the first look. */
export function ledgerReach(before: LedgerReach | undefined, place: LedgerPlace, nowMs: number): LedgerReach {
  const now = { ends: place.ends, atMs: nowMs }
  const isRead = (ends: ReadonlyMap<number, bigint>): boolean =>
    [...ends].every(([topicPartition, end]) => (place.read.get(topicPartition) ?? 0n) >= end)
  // The ends were asked for before the places: what is read up to them was all there was.
  if (isRead(place.ends)) return { recordedThroughMs: nowMs, awaited: now }
  if (before === undefined) return { recordedThroughMs: Number.NEGATIVE_INFINITY, awaited: now }
  if (isRead(before.awaited.ends)) return { recordedThroughMs: before.awaited.atMs, awaited: now }
  return before
}
