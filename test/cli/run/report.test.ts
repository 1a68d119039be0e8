import { describe, expect, test } from 'vitest'
import { createPhases } from '../../../src/cli/run/phases.ts'
import { buildReport, differences, exitCodeOfReport, type ReportInput } from '../../../src/cli/run/report.ts'
import { reportText } from '../../../src/cli/run/report-text.ts'

const phasesMs = { stackMs: 3_000, topicsMs: 200, rolesMs: 900, planMs: 100, workMs: 2_000, verifyMs: 400, stopMs: 300 }

const input = (more: Partial<ReportInput> = {}): ReportInput => ({
  runId: '0190a7e2-0000-7000-8000-000000000001',
  backfill: 'flights',
  state: 'completed',
  partitions: 11,
  partitionsFailed: 0,
  totals: { rowsRead: 1_000, rowsWritten: 990, rowsFiltered: 10, rowsRejected: 0, chunks: 12, contentHash: '-42' },
  stored: { rows: 990, contentHash: '-42' },
  rowsReadBefore: 0,
  takeovers: 3,
  largestChunkRows: 100,
  workers: 2,
  slotsPerWorker: 2,
  usage: { peakWorkerRssMb: 180, rowsRead: 1_150, kills: 2, restarts: 2 },
  phasesMs,
  totalMs: 7_000,
  ...more,
})

describe('report', () => {
  test('rows read again are what the processes read beyond what was committed, within the limit', () => {
    const report = buildReport(input())
    expect(report.rowsReadAgain).toBe(150)
    expect(report.rowsReadAgainLimit).toEqual({ kills: 2, slotsPerWorker: 2, largestChunkRows: 100, rows: 400 })
    expect(report.ratePerSecond).toBe(500)
  })

  test('a resumed run counts only what this start did', () => {
    const report = buildReport(
      input({ rowsReadBefore: 600, usage: { peakWorkerRssMb: 1, rowsRead: 450, kills: 0, restarts: 0 } }),
    )
    expect(report.rowsReadAgain).toBe(50)
    expect(report.ratePerSecond).toBe(200)
    expect(report.rowsRead).toBe(1_000)
  })

  test('counts that died with a process never make it negative', () => {
    const report = buildReport(input({ usage: { peakWorkerRssMb: 1, rowsRead: 400, kills: 1, restarts: 1 } }))
    expect(report.rowsReadAgain).toBe(0)
  })

  test('a phase of no length has no rate', () => {
    expect(buildReport(input({ phasesMs: { ...phasesMs, workMs: 0 } })).ratePerSecond).toBe(0)
  })

  test.each([
    ['equal', input(), 0],
    ['no certificate to be had', input({ stored: null }), 0],
    ['hash differs', input({ stored: { rows: 990, contentHash: '-41' } }), 4],
    ['count differs', input({ stored: { rows: 989, contentHash: '-42' } }), 4],
    ['partitions failed', input({ state: 'failed', partitionsFailed: 1 }), 3],
    ['cancelled', input({ state: 'cancelled' }), 9],
  ])('exit code when %s', (_, given, code) => {
    expect(exitCodeOfReport(buildReport(given))).toBe(code)
  })

  test('differences name both sides', () => {
    expect(differences(buildReport(input({ stored: { rows: 989, contentHash: '7' } })))).toEqual([
      '990 rows were written, 989 stand in the sink',
      'content hash -42 was sent, 7 stands in the sink',
    ])
  })

  test('reads well', () => {
    expect(reportText(buildReport(input()))).toMatchInlineSnapshot(`
      "run          0190a7e2-0000-7000-8000-000000000001 of flights: completed
      partitions   11, 0 failed
      chunks       12, 12 checkpoints
      rows         1,000 read, 990 written, 10 filtered, 0 rejected
      stored       990 rows, counted by the sink itself
      hash sent    -42
      hash stored  -42 (equal)
      interrupted  2 kills, 2 restarts, 3 partitions taken over
      read again   150 rows (at most 2 kills × 2 tasks × 100 rows = 400)
      time         7.0s: servers 3.0s, topics 200ms, roles 900ms, plan 100ms, work 2.0s, verify 400ms, stop 300ms
      rate         500 rows/s with 2 workers
      memory       180 MB in the largest worker"
    `)
  })
})

test('phases add up, and count a failure too', async () => {
  let nowMs = 0
  const phases = createPhases(() => nowMs)
  await phases.measure('stackMs', () => {
    nowMs += 30
    return Promise.resolve()
  })
  const failing = phases.measure('stackMs', () => {
    nowMs += 12
    return Promise.reject(new Error('no'))
  })
  await expect(failing).rejects.toThrow('no')
  expect(phases.phasesMs().stackMs).toBe(42)
  expect(phases.totalMs()).toBe(42)
})
