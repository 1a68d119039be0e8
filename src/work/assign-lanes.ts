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
 * share by capacity, rounded down or up; which ones get the lane more is left to the scores, for whoever is told by
 * rank or name would lose it again when others come or go (1.5 instead of 1.8 times the least moves at 8 workers).
 */
export function assignLanes(candidates: readonly LaneCandidate[], lanes: readonly number[]): Map<number, string> {
  const total = candidates.reduce((sum, { capacity }) => sum + capacity, 0)
  const shares = new Map(candidates.map(({ id, capacity }) => [id, (capacity * lanes.length) / total]))
  let extra = lanes.length - [...shares.values()].reduce((sum, share) => sum + Math.floor(share), 0)
  const wishes = candidates
    .flatMap(({ id, capacity }) => lanes.map((lane) => ({ id, lane, score: score(id, capacity, lane) })))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1) || a.lane - b.lane)
  const taken = new Map<string, number>()
  const assigned = new Map<number, string>()
  for (const { id, lane } of wishes) {
    if (assigned.has(lane)) continue
    const [count, share] = [taken.get(id) ?? 0, shares.get(id) ?? 0]
    const isExtra = count >= Math.floor(share)
    if (isExtra && (extra === 0 || count + 1 > Math.ceil(share))) continue
    if (isExtra) extra -= 1
    taken.set(id, count + 1)
    assigned.set(lane, id)
  }
  return assigned
}

/** Weighted rendezvous score: −capacity ÷ ln(u), u uniform in (0, 1) by hash (Schindelhauer and Schomaker 2005). */
function score(id: string, capacity: number, lane: number): number {
  const digest = createHash('sha256').update(`${id}/${lane}`).digest()
  const uniform = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48
  return -capacity / Math.log(uniform)
}
