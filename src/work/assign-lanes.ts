import { createHash } from 'node:crypto'

export interface LaneCandidate {
  /** Stable over restarts: a worker that comes back gets its lanes back. */
  readonly id: string
  /** Weight: a worker of capacity 4 gets twice the lanes of one of 2. */
  readonly capacity: number
}

/**
 * Which worker each lane belongs to: weighted rendezvous hashing with bounded load. A pure function of the set of
 * candidates, so equal members always get equal lanes, and one more or less moves few of them. Every worker gets its
 * share by capacity, rounded down or up.
 */
export function assignLanes(candidates: readonly LaneCandidate[], lanes: readonly number[]): Map<number, string> {
  const free = quotas(candidates, lanes.length)
  const wishes = candidates
    .flatMap(({ id, capacity }) => lanes.map((lane) => ({ id, lane, score: score(id, capacity, lane) })))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1) || a.lane - b.lane)
  const assigned = new Map<number, string>()
  for (const { id, lane } of wishes) {
    const left = free.get(id) ?? 0
    if (left === 0 || assigned.has(lane)) continue
    assigned.set(lane, id)
    free.set(id, left - 1)
  }
  return assigned
}

/** Shares by capacity that add up to `count`: largest remainder, ties by id. */
function quotas(candidates: readonly LaneCandidate[], count: number): Map<string, number> {
  const total = candidates.reduce((sum, { capacity }) => sum + capacity, 0)
  const exact = candidates.map(({ id, capacity }) => ({ id, share: (capacity * count) / total }))
  const quota = new Map(exact.map(({ id, share }) => [id, Math.floor(share)]))
  let left = count - [...quota.values()].reduce((sum, share) => sum + share, 0)
  const byRemainder = exact.sort((a, b) => (b.share % 1) - (a.share % 1) || (a.id < b.id ? -1 : 1))
  for (const { id } of byRemainder) {
    if (left === 0) break
    quota.set(id, (quota.get(id) ?? 0) + 1)
    left -= 1
  }
  return quota
}

/** Weighted rendezvous score: −capacity ÷ ln(u), u uniform in (0, 1) by hash (Schindelhauer and Schomaker 2005). */
function score(id: string, capacity: number, lane: number): number {
  const digest = createHash('sha256').update(`${id}/${lane}`).digest()
  const uniform = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48
  return -capacity / Math.log(uniform)
}
