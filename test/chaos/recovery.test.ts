import { expect, test } from 'vitest'
import type { AuditFact } from './facts.ts'
import { percentile, recoveryTimes } from './recovery.ts'

const change = (given: Partial<AuditFact>): AuditFact => ({
  ...{ what: 'UPDATE', partitionId: 'a', epoch: 1, sequence: 0, cursor: null, state: 'running' },
  ...{ holder: 'worker-1', atMs: 0 },
  ...given,
})

test('a death is recovered from when the last partition it held has been claimed again', () => {
  const audit = [
    change({ atMs: 100 }),
    change({ atMs: 150, what: 'CHUNK', epoch: 2 }),
    change({ atMs: 900, epoch: 2, holder: 'worker-2' }),
    change({ partitionId: 'b', atMs: 110 }),
    change({ partitionId: 'b', atMs: 1_700, epoch: 2 }),
  ]
  expect(recoveryTimes(audit, [{ worker: 'worker-1', atMs: 200 }])).toEqual([1_500])
})

test('what it had finished, and what others hold, is no matter of its death', () => {
  const audit = [
    change({ atMs: 100, state: 'completed' }),
    change({ partitionId: 'b', atMs: 100, holder: 'worker-2' }),
    change({ partitionId: 'b', atMs: 900, epoch: 2 }),
  ]
  expect(recoveryTimes(audit, [{ worker: 'worker-1', atMs: 200 }])).toEqual([])
})

test('percentiles are values that were there', () => {
  expect(percentile([], 0.5)).toBe(0)
  expect(percentile([3, 1, 2], 0.5)).toBe(2)
  expect(percentile([3, 1, 2], 1)).toBe(3)
})
