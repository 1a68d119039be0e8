import { describe, expect, test } from 'vitest'
import { grantLanes, type JoiningMember } from '../../src/kafka/lane-assigner.ts'

const lanes = Array.from({ length: 12 }, (_, lane) => lane)
const member = (memberId: string, holds: readonly number[] = [], generation = 1, worker = memberId): JoiningMember => ({
  memberId,
  worker,
  incarnation: '',
  capacity: 1,
  holds: Object.fromEntries(holds.map((lane) => [lane, generation])),
  joins: 0,
})

describe('grantLanes', () => {
  test('a lane held by a live member is withheld from everybody else until it is given up', () => {
    const joined = grantLanes([member('a', lanes), member('b')], lanes)
    expect(joined.get('a')).toHaveLength(6)
    expect(joined.get('b')).toEqual([])
    const drained = grantLanes([member('a', joined.get('a')), member('b')], lanes)
    expect(drained.get('a')).toEqual(joined.get('a'))
    expect([...(drained.get('a') ?? []), ...(drained.get('b') ?? [])].sort((x, y) => x - y)).toEqual(lanes)
  })

  test('a thawed zombie with an older claim loses to the newer holder', () => {
    const granted = grantLanes([member('old', lanes, 1), member('new', lanes, 2)], lanes)
    expect(granted.get('old')).toEqual([])
    expect(granted.get('new')).toHaveLength(6)
  })

  test('no lane is granted twice, also when two members use one worker id', () => {
    const granted = grantLanes([member('a', [], 1, 'same'), member('b', [], 1, 'same'), member('c')], lanes)
    const all = [...granted.values()].flat()
    expect(new Set(all).size).toBe(all.length)
    expect(all).toHaveLength(12)
  })

  test('of two lives of one worker the later one gets its lanes; what the earlier one holds waits until it has ended', () => {
    const earlier = { ...member('a', [0, 1, 2], 1, 'same'), incarnation: '1700000000000-00000000' }
    const later = { ...member('b', [], 1, 'same'), incarnation: '1700000000001-00000000' }
    const granted = grantLanes([earlier, later], lanes)
    expect(granted.get('a')).toEqual([])
    expect(granted.get('b')).toEqual(lanes.slice(3))
    expect(grantLanes([later], lanes).get('b')).toEqual(lanes)
  })

  test('the same workers get the same lanes after all of them restarted', () => {
    const before = grantLanes([member('m1', [], 1, 'w1'), member('m2', [], 1, 'w2')], lanes)
    const after = grantLanes([member('m8', [], 1, 'w2'), member('m9', [], 1, 'w1')], lanes)
    expect(after.get('m9')).toEqual(before.get('m1'))
    expect(after.get('m8')).toEqual(before.get('m2'))
  })
})
