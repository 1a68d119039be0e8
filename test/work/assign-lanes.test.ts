import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { assignLanes } from '../../src/work/assign-lanes.ts'

const lanes = Array.from({ length: 48 }, (_, lane) => lane)
const workers = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `worker-${at + 1}`, capacity: 2 }))
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

  test('one worker more moves few lanes: at most 1.7 times the smallest number, up to 8 workers on 48 lanes', () => {
    for (let count = 2; count < 8; count += 1) {
      const before = assignLanes(workers(count), lanes)
      const after = assignLanes(workers(count + 1), lanes)
      const moved = lanes.filter((lane) => before.get(lane) !== after.get(lane)).length
      const least = Math.floor(lanes.length / (count + 1))
      expect(moved / least, `${count} → ${count + 1} workers moved ${moved}`).toBeLessThanOrEqual(1.7)
    }
  })
})
