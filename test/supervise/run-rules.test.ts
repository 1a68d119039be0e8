import { describe, expect, test } from 'vitest'
import type { RunFacts } from '../../src/supervise/run-facts.ts'
import { failedCondition, type RunLook, runConditions } from '../../src/supervise/run-rules.ts'

const about = { runId: '00000001-0000-4000-8000-00000000000a', backfill: 'orders' }
const facts: RunFacts = {
  progress: '0',
  waiting: { unpublished: 0, unclaimed: 0, held: 0, holders: [] },
  ...{ failed: 0, rejections: { rowsRead: 10_000, rowsRejected: 0 }, running: [], completed: 30 },
  ...{ medianMs: 1_000, medianRows: 1_000, largest: { index: 3, rows: 1_100 } },
}
const look = (of: Partial<RunFacts>, more: Partial<RunLook> = {}): string[] =>
  runConditions({
    about,
    facts: { ...facts, ...of },
    thresholds: { stalledMs: 60_000, slowFactor: 5, slowMs: 20_000 },
    limits: { maxRejectedRows: 0, maxRejectedRatio: 1 },
    ...{ nowMs: 1_000_000, intendedMs: 0, stoodMs: 0, othersMove: false, workers: ['w1'] },
    ...more,
  }).map(({ kind, message }) => `${kind}: ${message}`)

test('a run that goes on has nothing to say', () => {
  expect(look({})).toEqual([])
})

describe('a run that stands still says where', () => {
  const waiting = (of: Partial<RunFacts['waiting']>, more: Partial<RunLook> = {}): string[] =>
    look({ waiting: { ...facts.waiting, ...of } }, { stoodMs: 60_000, ...more })

  test.each([
    [{ held: 2, holders: ['w1', 'w2'] }, '2 partitions are held by w1, w2, and no chunk of them is committed'],
    [{ unclaimed: 3 }, '3 partitions are published and not claimed, by w1'],
    [{ unpublished: 4 }, '4 tasks are not published'],
  ])('%o', (of, what) => {
    expect(waiting(of)).toEqual([`runStalled: nothing has moved for 60 s: ${what}`])
  })

  test('nobody is there to claim', () => {
    expect(waiting({ unclaimed: 3 }, { workers: [] })).toEqual([
      'runStalled: nothing has moved for 60 s: 3 partitions are not claimed, and no worker is in the group',
    ])
  })

  test('not while it may wait for its turn, nor before its time, nor when nothing is to be done', () => {
    expect(waiting({ unclaimed: 3 }, { othersMove: true })).toEqual([])
    expect(waiting({ unpublished: 3 }, { othersMove: true })).toEqual([])
    expect(waiting({ held: 1 }, { stoodMs: 59_999 })).toEqual([])
    expect(waiting({})).toEqual([])
  })
})

describe('a slow partition', () => {
  const running = (tookMs: number): Partial<RunFacts> => ({
    running: [{ partitionId: 'p', index: 7, worker: 'w1', sinceMs: 1_000_000 - tookMs }],
  })

  test('takes many times the median, and some time at all', () => {
    expect(look(running(20_000))).toEqual([])
    expect(look(running(20_001))).toHaveLength(1)
    expect(look({ ...running(40_000), medianMs: 10_000 })).toEqual([])
    expect(look({ ...running(60_000), medianMs: 10_000 })).toEqual([
      'partitionSlow: partition 7 runs for 60 s on w1, the median of 30 completed ones is 10 s',
    ])
  })

  test('is not judged by a few, nor by the time for which its run was paused', () => {
    expect(look({ ...running(60_000), completed: 9 })).toEqual([])
    expect(look(running(60_000), { intendedMs: 990_000 })).toEqual([])
  })
})

test('partitions are of very different sizes when the largest has ten times the rows of the middle one', () => {
  expect(look({ largest: { index: 3, rows: 99_999 } })).toEqual([])
  expect(look({ largest: { index: 3, rows: 200_000 }, medianRows: 20_001 })).toEqual([])
  expect(look({ largest: { index: 3, rows: 200_000 }, completed: 19 })).toEqual([])
  expect(look({ largest: { index: 3, rows: 200_000 } })).toEqual([
    'partitionsSkewed: partition 3 had 200000 rows, the median of 30 completed ones is 1000',
  ])
})

test('an error budget is low from four fifths on, by rows or by share', () => {
  const spent = (rowsRejected: number, limits: RunLook['limits']): string[] =>
    look({ rejections: { rowsRead: 10_000, rowsRejected } }, { limits })
  expect(spent(79, { maxRejectedRows: 100, maxRejectedRatio: 1 })).toEqual([])
  expect(spent(80, { maxRejectedRows: 100, maxRejectedRatio: 1 })).toEqual([
    'errorBudgetLow: 80 rows are rejected, 100 may be',
  ])
  expect(spent(80, { maxRejectedRows: 1_000, maxRejectedRatio: 0.01 })).toHaveLength(1)
  expect(spent(5, { maxRejectedRows: 0, maxRejectedRatio: 1 })).toEqual([])
})

test('partitions that failed are told with their number', () => {
  expect(failedCondition(about, facts)).toEqual([])
  expect(failedCondition(about, { ...facts, failed: 2 })).toMatchObject([
    { kind: 'partitionsFailed', about, message: '2 partitions failed for good' },
  ])
})
