/** What became of one call of a group; undefined: it has to be made alone. */
export type Grouped<Result> = { readonly result: Result } | { readonly error: unknown } | undefined

export interface GroupCalls<Item, Result> {
  alone(item: Item): Promise<Result>
  /** In the order of the items. A rejection rejects all of them. */
  together(items: readonly Item[]): Promise<readonly Grouped<Result>[]>
  /** Whether two items may not be in one group. */
  clash(a: Item, b: Item): boolean
}

const groupsAtOnce = 1
const largestGroup = 128
/** A call that waits, for a lock say, does not hold up those behind it for longer. */
const patienceMs = 20

/**
 * Makes calls that come while others are on their way together with each other: the more there is to do, the less each
 * costs. A call that comes alone is made alone, at the end of the event loop's turn.
 */
export function groupCalls<Item, Result>({
  alone,
  together,
  clash,
}: GroupCalls<Item, Result>): (item: Item) => Promise<Result> {
  interface Waiting {
    readonly item: Item
    readonly resolve: (result: Result | Promise<Result>) => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let underway = 0
  let isGoing = false

  const take = (): Waiting[] => {
    const group: Waiting[] = []
    const rest: Waiting[] = []
    for (const one of waiting)
      if (group.length < largestGroup && !group.some(({ item }) => clash(item, one.item))) group.push(one)
      else rest.push(one)
    waiting = rest
    return group
  }

  const make = async (group: readonly Waiting[]): Promise<void> => {
    const [only] = group
    if (group.length === 1 && only !== undefined) {
      const call = alone(only.item)
      only.resolve(call)
      await call.catch(() => {})
      return
    }
    try {
      const outcomes = await together(group.map(({ item }) => item))
      for (const [at, { item, resolve, reject }] of group.entries()) {
        const outcome = outcomes[at]
        if (outcome === undefined) resolve(alone(item))
        else if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.result)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  const goSoon = (): void => {
    if (isGoing) return
    isGoing = true
    // What was resolved together asks together: without the turn the first would go alone, and the others wait for it.
    setImmediate(() => {
      isGoing = false
      go()
    })
  }

  const go = (): void => {
    while (waiting.length > 0 && underway < groupsAtOnce) {
      underway += 1
      let isCounted = true
      const free = (): void => {
        if (!isCounted) return
        isCounted = false
        underway -= 1
        goSoon()
      }
      const timer = setTimeout(free, patienceMs)
      void make(take()).finally(() => {
        clearTimeout(timer)
        free()
      })
    }
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      goSoon()
    })
}
