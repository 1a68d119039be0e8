import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import type { TaskMessage } from '../../src/contract/task.ts'
import { type LanePlace, laneFindings, tooFar } from '../../src/supervise/lane-findings.ts'
import { Lane } from '../../src/work/lane.ts'
import { encodeOffsetMetadata, type TaskNote, taskMark } from '../../src/work/offset-metadata.ts'

const ids = Array.from({ length: 40 }, (_, n) => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`)
const note = (delta: number): TaskNote => ({
  ...{ state: 'running', delta, task: taskMark(ids[delta] ?? '') },
  progress: { epoch: 1, sequence: 2, rows: 10, contentHash: '7', cursor: '9' },
})
const text = (notes: readonly TaskNote[]): string => encodeOffsetMetadata({ taken: 40, tasks: notes }).text ?? ''
const place = (committed: bigint | null, metadata = ''): LanePlace => ({ topicPartition: 3, committed, metadata })
const between = (before: LanePlace, now: LanePlace): string[] =>
  laneFindings(new Map([[3, before]]), [now]).map(({ kind }) => kind)

it('an offset that is lower than it was went back', () => {
  expect(between(place(10n, text([note(0)])), place(4n))).toEqual(['offsetWentBack'])
})

it('an offset that lost what was known of its tasks lost its metadata; so does one that nobody can read', () => {
  expect(between(place(10n, text([note(0)])), place(10n))).toEqual(['offsetMetadataLost'])
  expect(between(place(10n, text([note(0)])), place(10n, 'set by hand'))).toEqual(['offsetMetadataLost'])
})

it.each([
  ['nobody has committed yet', place(null), place(0n)],
  ['the records have expired, and with them the offset', place(10n, text([note(0)])), place(null)],
  ['it moves on', place(10n, text([note(0)])), place(12n, text([]))],
  ['the new holder commits the same again', place(10n, text([note(0)])), place(10n, text([note(0)]))],
  ['a window is left with less', place(10n, text([note(0), note(1)])), place(10n, text([note(1)]))],
  ['no task is known of any more, and that is told', place(10n, text([note(0)])), place(10n, text([]))],
  ['nothing was known', place(10n, text([])), place(10n, '')],
  ['the first commit of a lane without tasks', place(0n, ''), place(0n, text([]))],
])('nothing is found when %s', (_, before, now) => {
  expect(between(before, now)).toEqual([])
})

it('a topic partition that was not looked at before tells nothing', () => {
  expect(laneFindings(new Map(), [place(10n)])).toEqual([])
})

const task = (n: number): TaskMessage => ({ partitionId: ids[n] ?? '' }) as TaskMessage

/** What a holder does, and what becomes of its lane when another one takes it over. */
const acts = fc.array(fc.constantFrom('take', 'advance', 'finish', 'release', 'commit', 'handOver'), { maxLength: 60 })

test.prop([acts])('no life of a lane, however often it is handed over, is taken for a fault', (steps) => {
  let lane = new Lane(3)
  let committed = place(null)
  let sequence = 0
  let running: bigint[] = []
  const offer = (): void => ids.forEach((_, n) => lane.offer(BigInt(n), task(n)))
  offer()
  const commit = (): void => {
    const { text: metadata } = encodeOffsetMetadata(lane.notes())
    if (metadata === undefined) return
    const next = place(lane.base, metadata)
    expect(between(committed, next)).toEqual([])
    committed = next
  }
  for (const step of steps)
    switch (step) {
      case 'take': {
        const taken = lane.take()
        if (taken !== undefined) running.push(taken.offset)
        break
      }
      case 'advance': {
        const [at] = running
        sequence += 1
        if (at !== undefined)
          lane.advance(at, {
            ...{ partitionId: ids[Number(at)] ?? '', epoch: 1, sequence, cursor: '9', state: 'running' },
            totals: {
              rowsRead: 1,
              rowsWritten: 1,
              rowsFiltered: 0,
              rowsRejected: 0,
              chunks: sequence,
              contentHash: '7',
            },
          })
        break
      }
      case 'finish': {
        const at = running.pop()
        if (at !== undefined) lane.finish(at)
        break
      }
      case 'release': {
        const at = running.shift()
        if (at !== undefined) lane.release(at, task(Number(at)))
        break
      }
      case 'commit':
        commit()
        break
      case 'handOver': {
        // The next holder commits what it finds, and goes on there.
        if (committed.committed === null) break
        expect(between(committed, committed)).toEqual([])
        const next = new Lane(3)
        next.resume(committed.committed, [])
        lane = next
        running = []
        ids.forEach((_, n) => {
          if (BigInt(n) >= next.position) next.offer(BigInt(n), task(n))
        })
      }
    }
})

it('a task that an offset has passed is remembered until another one covers its partition', () => {
  const passed = { partitionId: ids[0] ?? '', topicPartition: 3, offset: 4n }
  const over = { partitionId: ids[1] ?? '', topicPartition: 3, offset: 5n }
  const first = tooFar(new Map(), [passed, over], (id) => id === ids[0])
  expect([...first.values()]).toEqual([passed])
  expect([...tooFar(first, [], () => true).values()]).toEqual([passed])
  expect([...tooFar(first, [], () => false).values()]).toEqual([])
})
