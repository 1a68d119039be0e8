import { expect, onTestFinished, test } from 'vitest'
import { createSmallBackfill } from '../support/small-backfill.ts'

interface Report {
  readonly kills: number
  readonly rowsReadAgain: number
  readonly rowsReadAgainLimit: { readonly rows: number }
  readonly contentHashSent: string
  readonly contentHashStored: string
}

test('workers that are SIGKILLed while they work lose no row, double no row, and cost at most a chunk each', async () => {
  const small = await createSmallBackfill({ rows: 60_000, rowGroupRows: 5_000, chunkRows: 500, pauseMs: 500 })
  onTestFinished(small.close)

  const { code, stdout, stderr } = await small.tidemark(
    ...['run', 'small', '--definitions', '.', '--workers', '2', '--kill-every', '2500ms', '--json'],
  ).ended
  expect(code, stderr).toBe(0)
  const report = JSON.parse(stdout) as Report
  expect(report.kills).toBeGreaterThanOrEqual(2)
  expect(await small.sink()).toEqual({ rows: 60_000, distinct: 60_000, wrong: 0 })
  expect(report.contentHashStored).toBe(report.contentHashSent)
  expect(report.rowsReadAgain).toBeLessThanOrEqual(report.rowsReadAgainLimit.rows)
}, 150_000)
