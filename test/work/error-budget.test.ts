import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { spentBudget } from '../../src/work/error-budget.ts'

test('a budget of rows is spent by one more', () => {
  const limits = { maxRejectedRows: 10, maxRejectedRatio: 1 }
  expect(spentBudget(limits, { rowsRead: 20, rowsRejected: 10 })).toBeNull()
  expect(spentBudget(limits, { rowsRead: 20, rowsRejected: 11 })).toContain('limits.maxRejectedRows is 10')
})

test('a share is not judged by the first few rows', () => {
  const limits = { maxRejectedRows: 1_000_000, maxRejectedRatio: 0.01 }
  expect(spentBudget(limits, { rowsRead: 1, rowsRejected: 1 })).toBeNull()
  expect(spentBudget(limits, { rowsRead: 20, rowsRejected: 11 })).toContain('limits.maxRejectedRatio is 0.01')
  expect(spentBudget(limits, { rowsRead: 100_000, rowsRejected: 1_000 })).toBeNull()
  expect(spentBudget(limits, { rowsRead: 100_000, rowsRejected: 1_001 })).toContain('1001 of 100000')
})

test.prop([fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(10_000), fc.nat(10_000)])(
  'a budget that is spent stays spent when more rows are rejected',
  (maxRejectedRows, maxRejectedRatio, rowsRead, rowsRejected) => {
    const limits = { maxRejectedRows, maxRejectedRatio }
    if (spentBudget(limits, { rowsRead, rowsRejected }) === null) return
    expect(spentBudget(limits, { rowsRead: rowsRead + 1, rowsRejected: rowsRejected + 1 })).not.toBeNull()
  },
)
