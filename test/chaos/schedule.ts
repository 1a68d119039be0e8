/** What is done to the system, and when, in ms from the beginning. */
export type Act =
  /** Nobody starts it again for as long as it is away. */
  | { readonly atMs: number; readonly kind: 'kill'; readonly part: string; readonly awayMs: number }
  | { readonly atMs: number; readonly kind: 'restart'; readonly part: string }
  | { readonly atMs: number; readonly kind: 'freeze'; readonly part: string; readonly forMs: number }
  | {
      readonly atMs: number
      readonly kind: 'cut'
      readonly worker: string
      readonly server: Server
      readonly stallMs: number
    }
  | { readonly atMs: number; readonly kind: 'server'; readonly server: Server; readonly how: 'immediate' | 'clean' }

export type Server = 'kafka' | 'postgres'

export const actKinds = ['kill', 'restart', 'freeze', 'cut', 'server'] as const satisfies readonly Act['kind'][]

export interface ScheduleOptions {
  readonly seed: number
  readonly durationMs: number
  readonly workers: readonly string[]
  /** Parts that are no workers. */
  readonly others: readonly string[]
  /** After this long a frozen worker has lost its lanes. */
  readonly sessionTimeoutMs: number
  /** Only acts of these kinds, at the times at which they would be among all; absent: all. */
  readonly kinds?: readonly Act['kind'][] | undefined
}

/** Mean time from one act of a kind to the next. */
const everyMs = { kill: 9_500, freeze: 23_000, cut: 14_000, restart: 40_000, postgres: 100_000, kafka: 170_000 }

/** A pure function of its options: the same seed gives the same acts at the same times. */
export function scheduleOf(options: ScheduleOptions): readonly Act[] {
  const { seed, durationMs, workers, others, sessionTimeoutMs, kinds = actKinds } = options
  const random = randomOf(seed)
  const among = <Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item
  // Workers are what is interesting, and there are more of them.
  const part = (): string => (others.length === 0 || random() < 0.7 ? among(workers) : among(others))
  /** Two of three workers come back under a process manager, the third is missed until its session is over. */
  const killed = (): { readonly part: string; readonly awayMs: number } => {
    const name = part()
    const isMissed = workers.includes(name) && random() < 0.33
    return { part: name, awayMs: isMissed ? Math.round(sessionTimeoutMs * (1.5 + random())) : 100 }
  }
  const times = (meanMs: number): number[] => {
    const found: number[] = []
    for (let at = meanMs * (0.3 + random() * 0.4); at < durationMs; at += meanMs * (0.5 + random()))
      found.push(Math.floor(at))
    return found
  }
  const acts: Act[] = [
    ...times(everyMs.kill).map((atMs): Act => ({ atMs, kind: 'kill', ...killed() })),
    ...times(everyMs.freeze).map(
      (atMs): Act => ({
        ...{ atMs, kind: 'freeze', part: part() },
        // Two of three outlast the session.
        forMs: Math.round(sessionTimeoutMs * (random() < 0.33 ? 0.2 + 0.6 * random() : 1.2 + 0.5 * random())),
      }),
    ),
    ...times(everyMs.cut).map(
      (atMs): Act => ({
        ...{ atMs, kind: 'cut', worker: among(workers), server: among<Server>(['kafka', 'postgres']) },
        stallMs: random() < 0.5 ? 0 : Math.round(sessionTimeoutMs * (0.2 + 1.2 * random())),
      }),
    ),
    ...times(everyMs.restart).map((atMs): Act => ({ atMs, kind: 'restart', part: part() })),
    ...times(everyMs.postgres).map((atMs): Act => ({ atMs, kind: 'server', server: 'postgres', how: 'immediate' })),
    ...times(everyMs.kafka).map(
      (atMs): Act => ({
        atMs,
        kind: 'server',
        server: 'kafka',
        how: among<'immediate' | 'clean'>(['immediate', 'clean']),
      }),
    ),
  ]
  return acts.filter(({ kind }) => kinds.includes(kind)).sort((a, b) => a.atMs - b.atMs || (a.kind < b.kind ? -1 : 1))
}

/** Numbers in [0, 1) that a seed determines: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
