import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { PinnedBounds, RowSpread } from '../../src/contract/plan.ts'
import type { PartitionBy } from '../../src/define/partition-by.ts'
import { cut } from '../../src/plan/cut.ts'

const by = (rows: number): PartitionBy => ({ kind: 'quantiles', columns: ['id'], rows, timezone: 'UTC', bounds: null })
const over = (spread: RowSpread): PinnedBounds => ({
  ...{ kind: 'integer', column: 'id', from: '0', to: spread.at(-1)?.to ?? '0', spread },
  estimatedRows: spread.reduce((sum, { rows }) => sum + rows, 0),
})
const ranges = (spread: RowSpread, rows: number): [string, string, number | null][] =>
  [...cut(over(spread), by(rows))].map(({ from, to, estimatedRows }) => [from, to, estimatedRows])

describe('cutting at quantiles', () => {
  it('cuts where the rows are, not where the keys are', () => {
    const spread = [
      { to: '1000000', rows: 100 },
      { to: '1000100', rows: 900 },
    ]
    expect(ranges(spread, 250)).toEqual([
      ['0', '1000016', 244],
      ['1000016', '1000044', 252],
      ['1000044', '1000072', 252],
      ['1000072', '1000100', 252],
    ])
  })

  it('gives a value that has more rows than a partition one of its own', () => {
    const spread = [
      { to: '500', rows: 100 },
      { to: '501', rows: 1_000 },
      { to: '1000', rows: 100 },
    ]
    expect(ranges(spread, 100)).toEqual([
      ['0', '500', 100],
      ['500', '501', 1_000],
      ['501', '1000', 100],
    ])
  })

  it('cuts times at whole milliseconds, whatever the statistics say', () => {
    const bounds: PinnedBounds = {
      ...{ kind: 'time', column: 'at', from: '2024-01-01T00:00:00.000777Z', to: '2024-01-01T00:00:00.050333Z' },
      ...{ estimatedRows: 1_000, spread: [{ to: '2024-01-01T00:00:00.050333Z', rows: 1_000 }] },
    }
    const plan = [...cut(bounds, by(7))]
    expect(plan.length).toBeGreaterThan(40)
    for (const { from } of plan.slice(1)) expect(from).toMatch(/T00:00:00\.0\d{0,2}Z$/)
  })

  it('is one partition when there are few rows, or none that anybody knows of', () => {
    expect(ranges([{ to: '70', rows: 3 }], 100)).toEqual([['0', '70', 3]])
    expect(ranges([{ to: '70', rows: 0 }], 100)).toEqual([['0', '70', 0]])
  })

  it('refuses bounds that do not say how the rows lie', () => {
    const bounds: PinnedBounds = { kind: 'integer', column: 'id', from: '0', to: '9', estimatedRows: 9 }
    expect(() => [...cut(bounds, by(3))]).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }))
  })

  const steps = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.nat(2_000)), { minLength: 1, maxLength: 20 })
    .map((widths) => {
      let to = 0
      return widths.map(([width, rows]) => ({ to: String((to += width)), rows }))
    })
  test.prop([steps, fc.integer({ min: 1, max: 3_000 })], { numRuns: 1_000 })(
    'keeps every partition near its rows, but for what lies closer together than whole numbers do',
    (spread, size) => {
      const densest = spread.map(({ to, rows }, at) => rows / (Number(to) - Number(spread[at - 1]?.to ?? 0)))
      const slack = 2 * Math.max(...densest) + 2
      const largest = Math.max(...[...cut(over(spread), by(size))].map(({ estimatedRows }) => estimatedRows ?? 0))
      expect(largest).toBeLessThanOrEqual(size + slack)
    },
  )
})
