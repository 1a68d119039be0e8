import { randomUUID } from 'node:crypto'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { TaskMessage } from '../../src/contract/task.ts'
import { Lane } from '../../src/work/lane.ts'
import { decodeOffsetMetadata, encodeOffsetMetadata, taskMark } from '../../src/work/offset-metadata.ts'
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

/** Another one at each offset. */
const taskAt = (offset: bigint): TaskMessage => ({
  ...task,
  partitionId: `5b0c9a3e-2f7d-5c1b-9e4a-${offset.toString(16).padStart(12, '0')}`,
})
const markAt = (offset: bigint): string => taskMark(taskAt(offset).partitionId)
const progress = { epoch: 1, sequence: 1, rows: 1, contentHash: '7' }

function laneAt(committed: bigint, tasks: number): Lane {
  const lane = new Lane(0)
  lane.resume(committed, [])
  for (let at = 0n; at < tasks; at += 1n) lane.offer(committed + at, taskAt(committed + at))
  return lane
}

describe('lane', () => {
  test('what the last holder had begun can be taken first, and only that', () => {
    const lane = new Lane(0)
    lane.resume(10n, [{ delta: 1, state: 'running', task: markAt(11n), progress: { ...progress, cursor: '1' } }])
    for (const offset of [10n, 11n, 12n]) lane.offer(offset, taskAt(offset))
    expect(lane.takeBegun(() => true)).toBeUndefined()
    expect(lane.takeBegun()?.offset).toBe(11n)
    expect(lane.takeBegun()).toBeUndefined()
    expect(lane.take()?.offset).toBe(10n)
  })

  test('of two copies of a task only one runs at a time: the claim of the other would take the partition from it', () => {
    const lane = new Lane(0)
    lane.resume(0n, [])
    lane.offer(0n, task)
    lane.offer(1n, task)
    lane.offer(2n, taskAt(2n))
    expect([lane.take()?.offset, lane.take()?.offset, lane.take()]).toEqual([0n, 2n, undefined])
    lane.finish(0n)
    expect(lane.take()?.offset).toBe(1n)
  })

  test('commits the lowest task that is not finished, whatever finished above it', () => {
    const lane = laneAt(10n, 3)
    expect(lane.base).toBe(10n)
    const first = lane.take()
    const second = lane.take()
    expect([first?.offset, second?.offset]).toEqual([10n, 11n])
    lane.advance(10n, checkpoint)
    lane.finish(11n)
    expect(lane.base).toBe(10n)
    expect(lane.notes()).toEqual({
      taken: 3,
      tasks: [
        { state: 'running', delta: 0, task: markAt(10n), progress: { ...progress, cursor: '1' } },
        { state: 'finished', delta: 1, task: markAt(11n), progress: undefined },
      ],
    })
    lane.finish(10n)
    expect(lane.base).toBe(12n)
    expect(lane.notes()).toEqual({ taken: 1, tasks: [] })
  })

  test('resumes without what the last holder finished', () => {
    const lane = new Lane(0)
    lane.resume(5n, [{ state: 'finished', delta: 1, task: markAt(6n), progress: undefined }])
    for (const offset of [5n, 6n, 7n]) lane.offer(offset, taskAt(offset))
    expect([lane.take()?.offset, lane.take()?.offset, lane.take()]).toEqual([5n, 7n, undefined])
    expect(lane.foreignNotes).toBe(0)
  })

  test('a note of another task never makes it skip one: the task runs, and the note is counted', () => {
    const lane = new Lane(0)
    const other = taskMark('00000000-0000-4000-8000-000000000000')
    lane.resume(5n, [
      { state: 'finished', delta: 0, task: other, progress: undefined },
      { state: 'running', delta: 1, task: other, progress: { ...progress, cursor: '1' } },
    ])
    for (const offset of [5n, 6n]) lane.offer(offset, taskAt(offset))
    expect([lane.take()?.offset, lane.take()?.offset]).toEqual([5n, 6n])
    expect(lane.foreignNotes).toBe(2)
    expect(lane.notes().tasks).toEqual([])
  })

  test('what the last holder noted is noted again until the task was begun here, and is not ahead of its row', () => {
    const lane = new Lane(0)
    const noted = { ...progress, epoch: 3, sequence: 9, cursor: '90' }
    lane.resume(5n, [
      { state: 'running', delta: 0, task: markAt(5n), progress: noted },
      { state: 'finished', delta: 1, task: markAt(6n), progress: undefined },
      { state: 'running', delta: 2, task: markAt(7n), progress: noted },
    ])
    lane.offer(5n, taskAt(5n))
    lane.take()
    expect(lane.notes().tasks.map(({ state, delta }) => [state, delta])).toEqual([
      ['running', 0],
      ['finished', 1],
      ['running', 2],
    ])
    lane.advance(5n, { ...checkpoint, epoch: 4, sequence: 9 })
    expect(lane.leadingNotes).toBe(0)
    lane.offer(6n, taskAt(6n))
    lane.offer(7n, taskAt(7n))
    lane.take()
    lane.advance(7n, { ...checkpoint, epoch: 4, sequence: 8 })
    expect(lane.leadingNotes).toBe(1)
    expect(lane.notes().tasks.map(({ progress: p }) => p?.sequence)).toEqual([9, undefined, 8])
  })

  test('an interrupted task keeps its note', () => {
    const lane = laneAt(0n, 1)
    lane.take()
    lane.advance(0n, checkpoint)
    lane.release(0n, taskAt(0n))
    expect(lane.notes().tasks).toEqual([
      { state: 'running', delta: 0, task: markAt(0n), progress: { ...progress, cursor: '1' } },
    ])
  })

  test('without room for notes only the task that holds the offset back begins', () => {
    const lane = laneAt(0n, 3)
    lane.crowded = true
    expect(lane.hasRoom()).toBe(false)
    expect([lane.take()?.offset, lane.take()]).toEqual([0n, undefined])
    lane.finish(0n)
    expect(lane.take()?.offset).toBe(1n)
    lane.crowded = false
    expect(lane.take()?.offset).toBe(2n)
  })

  test('a window of 64 tasks is full', () => {
    expect(laneAt(0n, 63).hasRoom()).toBe(true)
    expect(laneAt(0n, 64).hasRoom()).toBe(false)
  })

  test('more is fetched when little is left to work on, not for each task that ends', () => {
    const lane = laneAt(0n, 64)
    const wants: number[] = []
    for (let ended = 1; ended <= 64; ended += 1) {
      lane.finish(lane.take()?.offset ?? -1n)
      if (lane.wantsMore()) wants.push(lane.waiting)
    }
    expect(wants).toEqual(Array.from({ length: 17 }, (_, at) => 16 - at))
  })

  test('what is parked is not left to work on', () => {
    const lane = laneAt(0n, 40)
    expect([lane.wantsMore(), lane.wantsMore(() => true)]).toEqual([false, true])
  })

  test('a record that comes again is not taken twice', () => {
    const lane = laneAt(0n, 1)
    expect(lane.take()?.offset).toBe(0n)
    lane.offer(0n, taskAt(0n))
    expect(lane.take()).toBeUndefined()
    lane.finish(0n)
    lane.offer(0n, taskAt(0n))
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
        for (const note of lane.notes().tasks)
          if (note.state === 'finished') expect(finished.has(Number(lane.base - 100n) + note.delta)).toBe(true)
      }
    },
  )

  test('a parked task keeps its place, and the tasks behind it are taken', () => {
    const lane = laneAt(0n, 3)
    const other = taskAt(3n)
    lane.offer(3n, other)
    const isParked = (one: TaskMessage): boolean => one.partitionId !== other.partitionId
    expect(lane.take(isParked)).toEqual({ offset: 3n, task: other })
    lane.finish(3n)
    expect([lane.take(isParked), lane.base, lane.waiting]).toEqual([undefined, 0n, 3])
    expect(lane.take()?.offset).toBe(0n)
  })

  test('parked tasks do not fill the lane, up to the span that offset metadata can carry', () => {
    const lane = laneAt(0n, 64)
    const parked = (): boolean => true
    expect([lane.hasRoom(), lane.hasRoom(parked)]).toEqual([false, true])
    for (let at = 64n; at < 255n; at += 1n) lane.offer(at, taskAt(at))
    expect(lane.hasRoom(parked)).toBe(true)
    lane.offer(255n, taskAt(255n))
    expect(lane.hasRoom(parked)).toBe(false)
  })

  test('what is not parked fills the lane as ever', () => {
    const lane = laneAt(0n, 1)
    const isParked = (one: TaskMessage): boolean => one.partitionId === taskAt(0n).partitionId
    for (let at = 1n; at < 64n; at += 1n) lane.offer(at, taskAt(at))
    lane.take(isParked)
    expect(lane.hasRoom(isParked)).toBe(true)
    lane.offer(64n, taskAt(64n))
    expect(lane.hasRoom(isParked)).toBe(false)
  })

  test('behind a parked task the others go on, also when notes have to be shortened; and what is finished always fits', () => {
    const lane = laneAt(0n, 1)
    const isParked = (one: TaskMessage): boolean => one.partitionId === taskAt(0n).partitionId
    for (let at = 1n; at < 256n; at += 1n) {
      const partitionId = randomUUID()
      lane.offer(at, { ...task, partitionId })
      const taken = lane.take(isParked)
      expect(taken?.offset).toBe(at)
      lane.advance(at, {
        ...{
          ...checkpoint,
          partitionId,
          epoch: 7,
          sequence: 12_345,
          cursor: `["2026-01-01T00:00:00Z","${at * 7_919n}"]`,
        },
        totals: { ...checkpoint.totals, rowsWritten: 123_456_789, contentHash: String(2n ** 63n - at * 7_919n) },
      })
      lane.finish(at)
      const { text, crowded } = encodeOffsetMetadata(lane.notes())
      lane.crowded = crowded
      expect(decodeOffsetMetadata(text)?.tasks.filter(({ state }) => state === 'finished')).toHaveLength(Number(at))
    }
    expect([lane.crowded, lane.base, lane.hasRoom(isParked)]).toEqual([true, 0n, false])
  })
})
