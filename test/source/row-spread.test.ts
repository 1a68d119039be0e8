import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { spreadOf } from '../../src/source/row-spread.ts'

const whole = { from: 0n, to: 100n }

describe('the spread of rows', () => {
  it('follows the quantiles; room around them has no rows', () => {
    const quantiles = [10n, 20n, 60n]
    expect(spreadOf({ quantiles, mostCommon: [] }, whole, 100)).toEqual([
      { to: 10n, rows: 0 },
      { to: 20n, rows: 50 },
      { to: 60n, rows: 50 },
      { to: 100n, rows: 0 },
    ])
  })

  it('has a step for a value of its own, whether it is left out of the quantiles or repeated in them', () => {
    const left = spreadOf({ quantiles: [0n, 100n], mostCommon: [{ value: 40n, share: 0.5 }] }, whole, 1_000)
    expect(left).toEqual([
      { to: 40n, rows: 200 },
      { to: 41n, rows: 505 },
      { to: 100n, rows: 295 },
    ])
    const repeated = spreadOf({ quantiles: [0n, 40n, 40n, 40n, 99n], mostCommon: [] }, whole, 1_000)
    expect(repeated.find(({ to }) => to === 41n)?.rows).toBeGreaterThan(500)
  })

  it('gives the rows of the domain to what of the statistics lies in it', () => {
    const quantiles = [0n, 100n, 200n, 300n, 400n]
    expect(spreadOf({ quantiles, mostCommon: [] }, { from: 150n, to: 250n }, 80)).toEqual([
      { to: 200n, rows: 40 },
      { to: 250n, rows: 40 },
    ])
    expect(spreadOf({ quantiles, mostCommon: [] }, { from: 900n, to: 950n }, 80)).toEqual([{ to: 950n, rows: 80 }])
  })

  const statistics = fc.record({
    quantiles: fc
      .array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), { maxLength: 40 })
      .map((values) => values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))),
    mostCommon: fc.array(
      fc.record({
        value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
        share: fc.double({ min: 0, max: 0.05, noNaN: true }),
      }),
      { maxLength: 20 },
    ),
  })
  const domain = fc
    .tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), fc.bigInt({ min: 1n, max: 2n ** 62n }))
    .map(([from, width]) => ({ from, to: from + width }))
  test.prop([statistics, domain, fc.nat(2 ** 40)], { numRuns: 5_000 })(
    'tiles the domain, in order, and loses no row, whatever the statistics say',
    (known, bounds, rows) => {
      const steps = spreadOf(known, bounds, rows)
      expect(steps.at(-1)?.to).toBe(bounds.to)
      for (const [at, { to, rows: of }] of steps.entries()) {
        expect(to > (steps[at - 1]?.to ?? bounds.from)).toBe(true)
        expect(of).toBeGreaterThanOrEqual(0)
      }
      expect(steps.reduce((sum, step) => sum + step.rows, 0)).toBe(rows)
    },
  )
})
