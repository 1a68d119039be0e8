import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonText, NotJson } from '../../src/postgres/json-text.ts'

test('spells objects as jsonb does: keys by length, then by bytes', () => {
  expect(jsonText({ bb: 1, a: [true, null, 'x'], é: {}, c: undefined }, true)).toBe(
    '{"a": [true, null, "x"], "bb": 1, "é": {}}',
  )
  expect(jsonText({ bb: 1, a: 2 }, false)).toBe('{"bb": 1, "a": 2}')
})

test('writes numbers without exponent, bigints as they are, dates as their JSON', () => {
  expect(jsonText([1e21, 1e-7, -0, 12345678901234567890n], true)).toBe(
    '[1000000000000000000000, 0.0000001, 0, 12345678901234567890]',
  )
  expect(jsonText(new Date(0), true)).toBe('"1970-01-01T00:00:00.000Z"')
})

test('is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      // The character NUL, which Postgres refuses, is the one thing that is not carried.
      fc.pre(!JSON.stringify(value).includes('\\u0000'))
      expect(JSON.parse(jsonText(value, true))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

describe('refuses, and says where', () => {
  test.each([
    [{ a: [1, Number.NaN] }, '.a[1]'],
    [{ 'a\0': 1 }, 'NUL'],
    [{ text: 'half \ud800' }, '.text'],
    [{ call: () => 1 }, 'a function is none'],
  ])('%o', (value, message) => {
    expect(() => jsonText(value, true)).toThrow(NotJson)
    expect(() => jsonText(value, true)).toThrow(message)
  })
})
