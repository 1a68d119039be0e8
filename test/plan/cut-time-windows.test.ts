import { describe, expect, it } from 'vitest'
import { cut } from '../../src/plan/cut.ts'

function windows(from: string, to: string, every: string, timezone = 'UTC'): string[] {
  const bounds = { kind: 'time' as const, column: 'at', from, to, estimatedRows: null }
  return [...cut(bounds, { kind: 'time', column: 'at', every, timezone, bounds: null })].map((window) => window.from)
}

describe('cutting time into windows', () => {
  it('gives days of 23 and of 25 hours where the clocks change', () => {
    expect(windows('2024-03-30T12:00:00Z', '2024-04-02T00:00:00Z', 'P1D', 'Europe/Berlin')).toEqual([
      '2024-03-30T12:00:00Z',
      '2024-03-30T23:00:00Z',
      '2024-03-31T22:00:00Z',
      '2024-04-01T22:00:00Z',
    ])
    expect(windows('2024-10-26T22:00:00Z', '2024-10-28T23:00:00Z', 'P1D', 'Europe/Berlin')).toEqual([
      '2024-10-26T22:00:00Z',
      '2024-10-27T23:00:00Z',
    ])
  })

  it('leaves out a day that a time zone left out', () => {
    expect(windows('2011-12-29T10:00:00Z', '2012-01-01T10:00:00Z', 'P1D', 'Pacific/Apia')).toEqual([
      '2011-12-29T10:00:00Z',
      '2011-12-30T10:00:00Z',
      '2011-12-31T10:00:00Z',
    ])
  })

  it('begins a day after midnight where the clocks go forward at midnight', () => {
    expect(windows('2024-03-09T05:00:00Z', '2024-03-11T04:00:00Z', 'P1D', 'America/Havana')).toEqual([
      '2024-03-09T05:00:00Z',
      '2024-03-10T05:00:00Z',
    ])
  })

  it('begins weeks on Monday, quarters in January and decades in years that end in 0', () => {
    expect(windows('2024-03-30T00:00:00.000001Z', '2024-04-09T00:00:00Z', 'P1W')).toEqual([
      '2024-03-30T00:00:00.000001Z',
      '2024-04-01T00:00:00Z',
      '2024-04-08T00:00:00Z',
    ])
    expect(windows('2024-02-01T00:00:00Z', '2024-08-01T00:00:00Z', 'P3M')).toEqual([
      '2024-02-01T00:00:00Z',
      '2024-04-01T00:00:00Z',
      '2024-07-01T00:00:00Z',
    ])
    expect(windows('1969-06-01T00:00:00Z', '1981-01-01T00:00:00Z', 'P10Y')).toEqual([
      '1969-06-01T00:00:00Z',
      '1970-01-01T00:00:00Z',
      '1980-01-01T00:00:00Z',
    ])
  })

  it('aligns fixed durations to 1970, before it too, whatever the time zone', () => {
    expect(windows('1969-12-31T23:10:00Z', '1970-01-01T00:20:00Z', 'PT15M', 'Asia/Kathmandu')).toEqual([
      '1969-12-31T23:10:00Z',
      '1969-12-31T23:15:00Z',
      '1969-12-31T23:30:00Z',
      '1969-12-31T23:45:00Z',
      '1970-01-01T00:00:00Z',
      '1970-01-01T00:15:00Z',
    ])
  })

  it.each(['P1X', 'P0D', 'P1DT1H', 'PT1H30M', '1D', 'P-1D', ''])('refuses the duration "%s"', (every) => {
    expect(() => windows('2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z', every)).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', message: expect.stringContaining(`every "${every}"`) }),
    )
  })

  it('refuses a time zone that is not known', () => {
    expect(() => windows('2024-01-01T00:00:00Z', '2024-01-02T00:00:00Z', 'P1D', 'Mars/Olympus')).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', message: expect.stringContaining('time zone "Mars/Olympus"') }),
    )
  })
})
