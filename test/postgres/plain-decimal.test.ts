import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainDecimal, plainText, roundedTo } from '../../src/postgres/plain-decimal.ts'

const text = (number: string): string | undefined => {
  const plain = plainDecimal(number)
  return plain === undefined ? undefined : plainText(plain)
}
const rounded = (number: string, scale: number): string | undefined => {
  const plain = plainDecimal(number)
  return plain === undefined ? undefined : plainText(roundedTo(plain, scale))
}

test.each([
  ['1e21', '1000000000000000000000'],
  ['1.5e-7', '0.00000015'],
  ['-0012.3400', '-12.3400'],
  ['1.234e2', '123.4'],
  ['-0', '0'],
  ['.5', '0.5'],
  ['5.', '5'],
])('%s is %s', (number, plain) => {
  expect(text(number)).toBe(plain)
})

test.each(['', '.', '-', 'NaN', '1,5', '0x1', '1e', '1e200000', ' 1'])('%j is no decimal number', (number) => {
  expect(plainDecimal(number)).toBeUndefined()
})

test('keeps the value of every double', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(Number(text(String(number)))).toBe(number === 0 ? 0 : number)
    }),
  )
})

test.each([
  ['1.005', 2, '1.01'],
  ['-1.005', 2, '-1.01'],
  ['0.994', 2, '0.99'],
  ['0.995', 2, '1.00'],
  ['99.999', 2, '100.00'],
  ['7', 3, '7.000'],
  ['0.4', 0, '0'],
  ['0.5', 0, '1'],
  ['1250', -2, '1300'],
  ['49', -2, '0'],
  ['0.004', 2, '0.00'],
])('%s to %i digits is %s', (number, scale, result) => {
  expect(rounded(number, scale)).toBe(result)
})

test('rounds by at most half a unit, away from zero at the half', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 6 }), (digits, scale) => {
      const magnitude = (digits < 0n ? -digits : digits).toString().padStart(7, '0')
      const number = `${digits < 0n ? '-' : ''}${magnitude.slice(0, -6)}.${magnitude.slice(-6)}`
      const unit = 10n ** BigInt(6 - scale)
      const result = BigInt((rounded(number, scale) ?? '').replace('.', '')) * unit
      const error = result < 0n || digits < 0n ? digits - result : result - digits
      expect(error * 2n <= unit && error * 2n > -unit).toBe(true)
    }),
  )
})
