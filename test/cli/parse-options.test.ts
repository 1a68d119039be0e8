import { describe, expect, test } from 'vitest'
import { parseCount, parseDurationMs, parseParams } from '../../src/cli/parse-options.ts'

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['2s', 2_000],
    ['1.5s', 1_500],
    ['1m', 60_000],
    ['24h', 86_400_000],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms)
  })

  test.each(['', '2', '2 s', '-2s', '2d', '0s', '25h', 's', '1e3ms', 'Infinitys'])(
    '"%s" is refused with what would be right',
    (text) => {
      expect(() => parseDurationMs(text)).toThrow('such as 500ms, 2s or 1m')
    },
  )
})

describe('counts', () => {
  test('a whole number within its bounds', () => {
    expect(parseCount(1, 64)('64')).toBe(64)
  })

  test.each(['0', '65', '1.5', '-1', 'two', ''])('"%s" is refused with the bounds', (text) => {
    expect(() => parseCount(1, 64)(text)).toThrow(`"${text}" is not a whole number from 1 to 64`)
  })
})

describe('params', () => {
  test('pairs go on top of the object; a value is JSON where it can be, text where not', () => {
    expect(parseParams('{"from":"2024-01-01","n":1}', ['n=2', 'to=2024-02-01', 'all=true', 'text=a=b'])).toEqual({
      from: '2024-01-01',
      n: 2,
      to: '2024-02-01',
      all: true,
      text: 'a=b',
    })
  })

  test.each([
    ['[1]', [], 'is not a JSON object'],
    ['{a:1}', [], 'is not a JSON object'],
    [undefined, ['from'], '--param "from" is not of the form name=value'],
    [undefined, ['=x'], 'is not of the form name=value'],
  ])('%s %s is refused', (json, pairs, message) => {
    expect(() => parseParams(json, pairs)).toThrow(message)
  })
})
