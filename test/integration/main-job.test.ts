import { expect, onTestFinished, test } from 'vitest'
import { createSmallBackfill } from '../support/small-backfill.ts'

const wanted = [
  'runId',
  'backfill',
  'state',
  'partitions',
  'chunks',
  'rowsRead',
  'rowsWritten',
  'rowsRejected',
  'rowsReadAgain',
  'kills',
  'contentHashSent',
  'contentHashStored',
  'phasesMs',
  'totalMs',
  'ratePerSecond',
  'peakWorkerRssMb',
]

test('the main job runs from a request to a verified end, in processes of its own, and says so in one document', async () => {
  const small = await createSmallBackfill({ rows: 30_000, rowGroupRows: 3_000, chunkRows: 1_000 })
  onTestFinished(small.close)

  const first = await small.tidemark('run', 'small', '--definitions', '.', '--json').ended
  expect(first.stderr, first.stderr).not.toContain('tidemark:')
  expect(first.code).toBe(0)
  const report = JSON.parse(first.stdout) as Record<string, unknown>
  expect(Object.keys(report)).toEqual(expect.arrayContaining(wanted))
  expect(report).toMatchObject({
    backfill: 'small',
    state: 'completed',
    partitions: 10,
    partitionsFailed: 0,
    chunks: 30,
    rowsRead: 30_000,
    rowsWritten: 30_000,
    rowsStored: 30_000,
    rowsRejected: 0,
    rowsReadAgain: 0,
    kills: 0,
  })
  expect(report.contentHashSent).toBe(report.contentHashStored)
  expect(await small.sink()).toEqual({ rows: 30_000, distinct: 30_000, wrong: 0 })

  // Another start is another run, on a sink prepared afresh: the same rows, the same hash.
  const second = await small.tidemark('run', 'small', '--definitions', '.', '--json').ended
  expect(second.code, second.stderr).toBe(0)
  const again = JSON.parse(second.stdout) as Record<string, unknown>
  expect(again.runId).not.toBe(report.runId)
  expect(again.contentHashStored).toBe(report.contentHashStored)
  expect(await small.sink()).toEqual({ rows: 30_000, distinct: 30_000, wrong: 0 })
}, 120_000)
