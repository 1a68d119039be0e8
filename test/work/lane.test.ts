import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { TaskMessage } from '../../src/contract/task.ts'
import { Lane } from '../../src/work/lane.ts'
import { topicSamples } from '../../tools/topic-samples.ts'

const task = topicSamples.tasks[0] as TaskMessage
const checkpoint = {
  partitionId: task.partitionId,
  epoch: 1,
  sequence: 1,
  cursor: '1',
  state: 'running',
  totals: { rowsRead: 1, rowsWritten: 1, rowsFiltered: 0, rowsRejected: 0, chunks: 1, contentHash: '7' },
} as const

function laneAt(committed: bigint, tasks: number): Lane {
  const lane = new Lane(0)
  lane.resume(committed, [])
  for (let at = 0n; at < tasks; at += 1n) lane.offer(committed + at, task)
  return lane
}

describe('lane', () => {
  test('commits the lowest task that is not finished, whatever finished above it', () => {
    const lane = laneAt(10n, 3)
    expect(lane.base).toBe(10n)
    const first = lane.take()
    const second = lane.take()
    expect([first?.offset, second?.offset]).toEqual([10n, 11n])
    lane.advance(10n, checkpoint)
    lane.finish(11n)
    expect(lane.base).toBe(10n)
    expect(lane.notes()).toEqual([
      { state: 'finished', delta: 1 },
      { state: 'running', delta: 0, epoch: 1, sequence: 1, cursor: '1', rows: 1, contentHash: '7' },
    ])
    lane.finish(10n)
    expect(lane.base).toBe(12n)
    expect(lane.notes()).toEqual([])
  })

  test('resumes without what the last holder finished', () => {
    const lane = new Lane(0)
    lane.resume(5n, [{ state: 'finished', delta: 1 }])
    for (const offset of [5n, 6n, 7n]) lane.offer(offset, task)
    expect([lane.take()?.offset, lane.take()?.offset, lane.take()]).toEqual([5n, 7n, undefined])
  })

  test('a record that comes again is not taken twice', () => {
    const lane = laneAt(0n, 1)
    expect(lane.take()?.offset).toBe(0n)
    lane.offer(0n, task)
    expect(lane.take()).toBeUndefined()
    lane.finish(0n)
    lane.offer(0n, task)
    expect(lane.take()).toBeUndefined()
    expect(lane.base).toBe(1n)
  })

  test('an interrupted task keeps its offset', () => {
    const lane = laneAt(0n, 2)
    const taken = lane.take()
    if (taken !== undefined) lane.release(taken.offset, taken.task)
    expect(lane.base).toBe(0n)
    expect(lane.waiting).toBe(2)
  })

  test.prop([fc.array(fc.nat(19), { maxLength: 60 })])(
    'the offset never passes a task that is not finished',
    (order) => {
      const lane = laneAt(100n, 20)
      while (lane.take() !== undefined) {}
      const finished = new Set<number>()
      let before = lane.base
      for (const place of order) {
        lane.finish(100n + BigInt(place))
        finished.add(place)
        const lowest = Array.from({ length: 20 }, (_, at) => at).find((at) => !finished.has(at)) ?? 20
        expect(lane.base).toBe(100n + BigInt(lowest))
        expect(lane.base >= before).toBe(true)
        before = lane.base
        for (const note of lane.notes())
          if (note.state === 'finished') expect(finished.has(Number(lane.base - 100n) + note.delta)).toBe(true)
      }
    },
  )

  test('a parked task keeps its place, and the tasks behind it are taken', () => {
    const lane = laneAt(0n, 3)
    const other = { ...task, partitionId: '5b0c9a3e-2f7d-5c1b-9e4a-6d1f0a2b3c4e' }
    lane.offer(3n, other)
    const isParked = (one: TaskMessage): boolean => one.partitionId === task.partitionId
    expect(lane.take(isParked)).toEqual({ offset: 3n, task: other })
    lane.finish(3n)
    expect([lane.take(isParked), lane.base, lane.waiting]).toEqual([undefined, 0n, 3])
    expect(lane.take()?.offset).toBe(0n)
  })

  test('parked tasks do not fill the lane, up to the span that offset metadata can carry', () => {
    const lane = laneAt(0n, 16)
    const parked = (): boolean => true
    expect([lane.hasRoom(), lane.hasRoom(parked)]).toEqual([false, true])
    for (let at = 16n; at < 255n; at += 1n) lane.offer(at, task)
    expect(lane.hasRoom(parked)).toBe(true)
    lane.offer(255n, task)
    expect(lane.hasRoom(parked)).toBe(false)
  })

  test('what is not parked fills the lane as ever', () => {
    const lane = laneAt(0n, 1)
    const other = { ...task, partitionId: '5b0c9a3e-2f7d-5c1b-9e4a-6d1f0a2b3c4e' }
    const isParked = (one: TaskMessage): boolean => one.partitionId === task.partitionId
    for (let at = 1n; at < 16n; at += 1n) lane.offer(at, other)
    lane.take(isParked)
    expect(lane.hasRoom(isParked)).toBe(true)
    lane.offer(16n, other)
    expect(lane.hasRoom(isParked)).toBe(false)
  })
})
