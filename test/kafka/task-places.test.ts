import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTaskPlaces, type Place } from '../../src/kafka/task-places.ts'

const lane = (topicPartition: number, committed: bigint | null, low = 0n) => ({ topicPartition, committed, low })

test('a partition is covered until the last of its tasks is passed, on whichever lanes they stand', () => {
  const places = createTaskPlaces()
  places.put('a', { topicPartition: 1, offset: 4n })
  places.put('a', { topicPartition: 2, offset: 7n })
  expect(places.pass([lane(1, 4n), lane(2, 8n)])).toEqual([{ partitionId: 'a', topicPartition: 2, offset: 7n }])
  expect(places.covers('a')).toBe(true)
  expect(places.pass([lane(1, 5n), lane(2, 8n)])).toEqual([{ partitionId: 'a', topicPartition: 1, offset: 4n }])
  expect(places.covers('a')).toBe(false)
  expect(places.pass([lane(1, 5n), lane(2, 8n)])).toEqual([])
})

test('what is gone from the topic covers nothing, and no offset has passed it; without one, all that is there is open', () => {
  const places = createTaskPlaces()
  places.put('a', { topicPartition: 1, offset: 4n })
  places.put('b', { topicPartition: 1, offset: 5n })
  expect(places.pass([lane(1, null, 5n)])).toEqual([])
  expect([places.covers('a'), places.covers('b')]).toEqual([false, true])
})

test('whatever was put and passed, those are covered of which a task is not passed yet', () => {
  const lanes = 3
  const put = fc.record({ partitionId: fc.constantFrom('a', 'b', 'c'), topicPartition: fc.nat(lanes - 1) })
  const commit = fc.array(fc.nat(4), { minLength: lanes, maxLength: lanes })
  fc.assert(
    fc.property(fc.array(fc.oneof(put, commit), { maxLength: 40 }), (steps) => {
      const places = createTaskPlaces()
      const all: (Place & { partitionId: string })[] = []
      const ends = Array.from({ length: lanes }, () => 0n)
      const committed = Array.from({ length: lanes }, () => 0n)
      for (const step of steps) {
        if (Array.isArray(step)) {
          // No offset is committed beyond the end.
          for (const [at, by] of step.entries()) {
            const to = (committed[at] ?? 0n) + BigInt(by)
            committed[at] = to > (ends[at] ?? 0n) ? (ends[at] ?? 0n) : to
          }
          places.pass(committed.map((offset, at) => lane(at, offset)))
        } else {
          const offset = ends[step.topicPartition] ?? 0n
          ends[step.topicPartition] = offset + 1n
          places.put(step.partitionId, { topicPartition: step.topicPartition, offset })
          all.push({ ...step, offset })
        }
        for (const id of ['a', 'b', 'c'])
          expect(places.covers(id)).toBe(
            all.some((task) => task.partitionId === id && task.offset >= (committed[task.topicPartition] ?? 0n)),
          )
      }
    }),
  )
})
