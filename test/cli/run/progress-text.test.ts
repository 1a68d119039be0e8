import { describe, expect, test } from 'vitest'
import { durationText, runLine, workerText } from '../../../src/cli/run/progress-text.ts'
import { ratePerSecond, timeLeftMs, withSample } from '../../../src/cli/run/rate.ts'
import type { RunProgress } from '../../../src/status/fold-run.ts'

const run: RunProgress = {
  reason: null,
  runId: '0190a7e2-0000-7000-8000-000000000001',
  state: 'running',
  partitions: 11,
  estimatedRows: 3_000_000,
  partitionsRunning: 2,
  partitionsCompleted: 4,
  partitionsFailed: 0,
  partitionsCancelled: 0,
  totals: {
    rowsRead: 1_200_000,
    rowsWritten: 1_200_000,
    rowsFiltered: 0,
    rowsRejected: 0,
    chunks: 48,
    contentHash: '1',
  },
  takeovers: 0,
  largestChunkRows: 25_000,
  workers: [],
  toldCompletely: false,
  failures: [],
}

describe('durations', () => {
  test.each([
    [null, '–'],
    [850, '850ms'],
    [12_340, '12.3s'],
    [245_000, '4m 05s'],
    [7_620_000, '2h 07m'],
  ])('%s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })
})

describe('a line of progress', () => {
  test('while working', () => {
    expect(runLine(run, 400_000, 4_500)).toBe('1,200,000 of 3,000,000 rows, 4/11 partitions, 400,000 rows/s, 4.5s left')
  })
  test('with failures, and without an estimate', () => {
    expect(runLine({ ...run, estimatedRows: null, partitionsFailed: 2 }, null, null)).toBe(
      '1,200,000 rows, 4/11 partitions, 2 failed, –, – left',
    )
  })
  test('at the end', () => {
    expect(runLine({ ...run, state: 'completed', partitionsCompleted: 11 }, 400_000, 0)).toBe(
      '1,200,000 of 3,000,000 rows, 11/11 partitions, completed',
    )
  })
  test('while planning', () => {
    expect(runLine({ ...run, state: 'planning' }, null, null)).toBe('planning')
  })
  test('of a worker', () => {
    expect(workerText({ worker: 'worker-1', partitionsRunning: 1, rowsRead: 600_000 }, 200_000)).toBe(
      '600,000 rows, 200,000 rows/s, on 1 partition',
    )
  })
})

describe('rate', () => {
  test('over the last seconds only', () => {
    let samples = withSample([], { atMs: 0, rows: 0 })
    for (const atMs of [2_000, 4_000, 6_000, 8_000])
      samples = withSample(samples, { atMs, rows: atMs < 5_000 ? 0 : atMs })
    expect(samples.map(({ atMs }) => atMs)).toEqual([4_000, 6_000, 8_000])
    expect(ratePerSecond(samples)).toBe(2_000)
  })
  test('not known from one look', () => {
    expect(ratePerSecond([{ atMs: 0, rows: 5 }])).toBeNull()
  })
  test('time left', () => {
    expect(timeLeftMs(500, 1_000, 100)).toBe(5_000)
    expect(timeLeftMs(500, null, 100)).toBeNull()
    expect(timeLeftMs(500, 1_000, 0)).toBeNull()
    expect(timeLeftMs(1_100, 1_000, 100)).toBe(0)
  })
})
