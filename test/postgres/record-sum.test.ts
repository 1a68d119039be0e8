import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordSum } from '../../src/postgres/record-sum.ts'

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

test('equals the sum of the signed 64-bit numbers', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(int32, int32)), (words) => {
      const sum = new RecordSum()
      for (const [high, low] of words) sum.add(high, low)
      const expected = words.reduce((total, [high, low]) => total + (BigInt(high) << 32n) + BigInt(low >>> 0), 0n)
      expect(sum.total()).toBe(expected)
      expect(sum.total()).toBe(expected)
    }),
  )
})

test('stays exact over more rows than two doubles could hold', () => {
  const sum = new RecordSum()
  const rows = 2 ** 22 + 3
  for (let i = 0; i < rows; i++) sum.add(-(2 ** 31), -1)
  expect(sum.total()).toBe(BigInt(rows) * ((-(2n ** 31n) << 32n) + 0xffff_ffffn))
})
