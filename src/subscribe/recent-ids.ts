/** Remembers ids: the newest half of so many for certain, and no more than so many. */
export interface RecentIds {
  /** False: it was asked about this one before, and remembers. */
  isFirst(id: string): boolean
}

export function createRecentIds(most: number): RecentIds {
  // Two generations, of which the older is dropped as a whole: a set whose oldest are deleted one by one grows slow.
  let [older, newer] = [new Set<string>(), new Set<string>()]
  return {
    isFirst: (id) => {
      const isFirst = !newer.has(id) && !older.has(id)
      newer.add(id)
      if (newer.size * 2 >= most) [older, newer] = [newer, new Set()]
      return isFirst
    },
  }
}
