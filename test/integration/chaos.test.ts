import { expect, test } from 'vitest'
import { chaosReport } from '../chaos/chaos-report.ts'
import { runChaos } from '../chaos/run-chaos.ts'
import { ownBenchStack } from '../support/bench-stack.ts'

// Longer ones, with other seeds: npm run chaos.
test('a minute of kills, freezes, cuts and restarts loses no row and doubles none', async () => {
  const stack = await ownBenchStack('chaos-test')
  const outcome = await runChaos(stack, { seed: 4, durationMs: 60_000, workers: 2, note: () => {} })
  expect(outcome.violations).toEqual([])
  const report = chaosReport(4, outcome)
  expect(report.runsTerminal).toBe(report.runs)
  expect(report).toMatchObject({ rowsLost: 0, rowsDoubled: 0, staleChunks: 0 })
  expect(report.kills).toBeGreaterThanOrEqual(3)
  expect(report.freezes).toBeGreaterThanOrEqual(1)
}, 400_000)
