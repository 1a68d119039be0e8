export interface Refused<Item> {
  readonly item: Item
  readonly reason: string
}

/**
 * Which items of a batch that is refused as a whole are to blame, by trying halves: O(k log n) tries for k of n. What
 * is kept was tried as a whole. `refusal` says why a batch is refused, null when it is not; `found` is told each one.
 */
export async function findRefused<Item>(
  items: readonly Item[],
  refusal: (items: readonly Item[]) => Promise<string | null>,
  found: (refused: Refused<Item>) => void,
): Promise<readonly Item[]> {
  /** What of `part` passes together with `given`, which passes. */
  const kept = async (given: readonly Item[], part: readonly Item[], alone: boolean): Promise<readonly Item[]> => {
    const reason = await refusal([...given, ...part])
    if (reason === null) return part
    const [item] = part
    if (part.length === 1 && item !== undefined) {
      found({ item, reason })
      return []
    }
    const middle = part.length >> 1
    const left = await kept(given, part.slice(0, middle), alone)
    const right = await kept(alone ? given : [...given, ...left], part.slice(middle), alone)
    return [...left, ...right]
  }
  // Each part by itself: small tries. What then still does not pass is items that do not go together, such as two of one
  // key: of those the later ones are found by trying each part along with all that was kept before it.
  const each = items.length === 0 ? [] : await kept([], items, true)
  return each.length === 0 || (await refusal(each)) === null ? each : kept([], each, false)
}
