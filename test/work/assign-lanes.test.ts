import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { assignLanes, type LaneCandidate } from '../../src/work/assign-lanes.ts'

const lanes = Array.from({ length: 48 }, (_, lane) => lane)
const candidates = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 1, maxLength: 8 }), capacity: fc.integer({ min: 1, max: 8 }) }),
  {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 12,
  },
)

describe('assignLanes', () => {
  test.prop([candidates, fc.integer({ min: 0, max: 64 })])(
    'gives every lane to one worker, each its share by capacity',
    (members, count) => {
      const some = Array.from({ length: count }, (_, lane) => lane)
      const assigned = assignLanes(members, some)
      expect(assigned.size).toBe(count)
      const total = members.reduce((sum, { capacity }) => sum + capacity, 0)
      for (const { id, capacity } of members) {
        const got = [...assigned.values()].filter((owner) => owner === id).length
        expect(Math.abs(got - (capacity * count) / total)).toBeLessThan(1)
      }
    },
  )

  test.prop([candidates, fc.infiniteStream(fc.nat())])('depends on the set of workers only', (members, random) => {
    const shuffled = members.map((member) => ({ member, at: random.next().value })).sort((a, b) => a.at - b.at)
    expect(
      assignLanes(
        shuffled.map(({ member }) => member),
        lanes,
      ),
    ).toEqual(assignLanes(members, lanes))
  })

  describe.each(['worker-', 'backfill-worker-'])('48 lanes, %s1 to 12, one more or any one less', (name) => {
    const workersOf = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ id: `${name}${at + 1}`, capacity: 2 }))

    test('moves at most 1.6 times the smallest number possible with up to 8 workers, and 3 times with 12', () => {
      for (let count = 2; count <= 12; count += 1) {
        const members = workersOf(count)
        const changes = [
          { what: 'join', moves: [movesOf(workersOf(count - 1), members)] },
          {
            what: 'leave',
            moves: members.map((left) =>
              movesOf(
                members,
                members.filter((member) => member !== left),
              ),
            ),
          },
        ]
        for (const { what, moves } of changes) {
          const ratio = sum(moves.map(({ moved }) => moved)) / sum(moves.map(({ least }) => least))
          expect(ratio, `${count} workers, ${what}`).toBeGreaterThanOrEqual(1)
          expect(ratio, `${count} workers, ${what}`).toBeLessThanOrEqual(count <= 8 ? 1.6 : 3)
        }
      }
    })
  })
})

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

function movesOf(
  before: readonly LaneCandidate[],
  after: readonly LaneCandidate[],
): { readonly moved: number; readonly least: number } {
  const [old, now] = [assignLanes(before, lanes), assignLanes(after, lanes)]
  return { moved: lanes.filter((lane) => old.get(lane) !== now.get(lane)).length, least: leastMoves(old, after) }
}

/** Whoever stays keeps what it has, up to its share; as many as can be keep one lane more, where shares are uneven. */
function leastMoves(old: ReadonlyMap<number, string>, after: readonly LaneCandidate[]): number {
  const share = Math.floor(lanes.length / after.length)
  const extra = lanes.length - share * after.length
  const had = after.map(({ id }) => [...old.values()].filter((owner) => owner === id).length)
  const kept = sum(had.map((count) => Math.min(count, share)))
  return lanes.length - kept - Math.min(extra, had.filter((count) => count > share).length)
}
