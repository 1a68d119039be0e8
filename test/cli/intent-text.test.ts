import { expect, test } from 'vitest'
import { intentText, obedienceText } from '../../src/cli/intent-text.ts'
import { noSettings } from '../../src/contract/settings.ts'

const at = '2026-11-23T12:00:00.000Z'

test.each([
  [{ by: 4, of: 4, missing: [], tookMs: 1_810 }, 'acknowledged by 4 of 4 workers in 1.8s'],
  [{ by: 3, of: 4, missing: ['worker-2'], tookMs: 900 }, 'acknowledged by 3 of 4 workers, not by worker-2'],
  [{ by: 2, of: 2, missing: [], tookMs: null }, 'acknowledged by 2 of 2 workers'],
  [{ by: 0, of: 0, missing: [], tookMs: null }, 'no worker is in the group'],
])('%o', (obedience, text) => {
  expect(obedienceText(obedience)).toBe(text)
})

test('an intent says since when, by whom, why and of which partitions', () => {
  const one = { partitionId: 'p', index: 3, intent: 'paused' as const }
  const wanted = {
    intent: 'paused' as const,
    sequence: 2,
    changedAt: at,
    at,
    by: 'ana',
    reason: 'busy',
    settings: noSettings,
    partitions: [one],
    acknowledged: [],
  }
  expect(intentText(wanted, null)).toBe(`paused since ${at} by ana (busy), 1 partitions paused`)
  expect(
    intentText({ ...wanted, by: null, reason: null, partitions: [] }, { by: 1, of: 1, missing: [], tookMs: 40 }),
  ).toBe(`paused since ${at}, acknowledged by 1 of 1 workers in 40ms`)
  const tuned = { ...wanted, at: null, by: null, reason: null, partitions: [], intent: 'running' as const }
  expect(intentText({ ...tuned, settings: { ...noSettings, chunkRows: 5_000, rowsPerSecond: 200 } }, null)).toBe(
    'running, chunkRows 5,000, rowsPerSecond 200',
  )
})
