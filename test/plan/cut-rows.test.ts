import { describe, expect, it } from 'vitest'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import { cut } from '../../src/plan/cut.ts'

const bounds: PinnedBounds = {
  kind: 'rows',
  files: [
    { path: 'a.parquet', bytes: 10, modifiedMs: 1, rowGroups: [3, 2] },
    { path: 'b.parquet', bytes: 20, modifiedMs: 2, rowGroups: [0] },
    { path: 'c.parquet', bytes: 30, modifiedMs: 3, rowGroups: [4, 0, 1] },
  ],
}
const a = { path: 'a.parquet', bytes: 10, modifiedMs: 1, firstPosition: 0 }
const c = { path: 'c.parquet', bytes: 30, modifiedMs: 3, firstPosition: 5 }

describe('cutting files by rows', () => {
  it('never crosses a file', () => {
    expect([...cut(bounds, { kind: 'rows', rows: 4 })]).toEqual([
      { index: 0, from: '0', to: '4', locator: a, estimatedRows: 4 },
      { index: 1, from: '4', to: '5', locator: a, estimatedRows: 1 },
      { index: 2, from: '5', to: '9', locator: c, estimatedRows: 4 },
      { index: 3, from: '9', to: '10', locator: c, estimatedRows: 1 },
    ])
  })

  it('takes each row group that has rows', () => {
    const ranges = [...cut(bounds, { kind: 'rowGroup' })].map(({ from, to, locator }) => [from, to, locator?.['path']])
    expect(ranges).toEqual([
      ['0', '3', 'a.parquet'],
      ['3', '5', 'a.parquet'],
      ['5', '9', 'c.parquet'],
      ['9', '10', 'c.parquet'],
    ])
  })

  it('refuses a size that is no whole number', () => {
    for (const rows of [0, 1.5, Number.NaN])
      expect(() => [...cut(bounds, { kind: 'rows', rows })]).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }))
  })
})
