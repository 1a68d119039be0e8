import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Moment, parseDay, parseInstant } from '../../src/postgres/parse-instant.ts'

const parsed = (text: string): Moment | null => {
  const moment: Moment = { ms: 0, micros: 0, zoned: false }
  return parseInstant(text, moment) ? moment : null
}

const times = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

test('agrees with Date on every day and millisecond', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 999 }), (date, micros) => {
      const text = date.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)
      expect(parsed(text)).toEqual({ ms: date.getTime(), micros, zoned: true })
      expect(parseDay(text)).toBe(Math.floor(date.getTime() / 86_400_000))
    }),
  )
})

test('applies the offset', () => {
  expect(parsed('2026-01-31T12:00:00+05:30')?.ms).toBe(Date.parse('2026-01-31T06:30:00Z'))
  expect(parsed('2026-01-31 12:00:00.5-01:00')).toEqual({
    ms: Date.parse('2026-01-31T13:00:00.5Z'),
    micros: 0,
    zoned: true,
  })
  expect(parsed('2026-01-31T12:00:00')?.zoned).toBe(false)
})

describe('refuses', () => {
  test.each([
    '',
    '2026-01-31',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T00:60:00Z',
    '2026-01-31T00:00:60Z',
    '2026-01-31T00:00:00.Z',
    '2026-01-31T00:00:00.1234567Z',
    '2026-01-31T00:00:00+0530',
    '2026-01-31T00:00:00Zz',
    '2026-1-31T00:00:00Z0',
    'infinity',
  ])('%j', (text) => {
    expect(parsed(text)).toBeNull()
  })
})
