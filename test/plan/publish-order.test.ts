import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { publishOrder } from '../../src/plan/publish-order.ts'

describe('the order in which tasks are published', () => {
  test.prop([fc.integer({ min: 1, max: 3_000 })], { numRuns: 300 })(
    'has every partition once, and can be told backwards',
    (count) => {
      const { indexAt, placeOf } = publishOrder(count)
      const order = Array.from({ length: count }, (_, place) => indexAt(place))
      expect(new Set(order).size).toBe(count)
      expect(Math.min(...order)).toBe(0)
      expect(Math.max(...order)).toBe(count - 1)
      expect(order.every((index, place) => placeOf(index) === place)).toBe(true)
    },
  )

  it('holds for the largest plan', () => {
    const { indexAt, placeOf } = publishOrder(1_000_000)
    for (const place of [0, 1, 2, 499_999, 999_999]) expect(placeOf(indexAt(place))).toBe(place)
  })

  it('is spread over the plan, however far it has come', () => {
    const { indexAt } = publishOrder(10_000)
    for (const published of [8, 50, 1_000]) {
      const sorted = Array.from({ length: published }, (_, place) => indexAt(place)).sort((a, b) => a - b)
      const gaps = [...sorted, 10_000].map((index, at) => index - (sorted[at - 1] ?? 0))
      expect(Math.max(...gaps)).toBeLessThan((3 * 10_000) / published)
    }
  })
})
