import { describe, expect, it } from 'vitest'
import { paramBounds } from '../../src/source/param-bounds.ts'

const names = { from: 'from', to: 'to' }

describe('paramBounds', () => {
  it('takes dates in the time zone, instants as they are, and Date objects', () => {
    expect(paramBounds('time', names, { from: '2024-03-31', to: '2024-04-01' }, 'Europe/Berlin')).toEqual({
      from: '2024-03-30T23:00:00Z',
      to: '2024-03-31T22:00:00Z',
    })
    const to = new Date('2024-04-01T00:00:00.5Z')
    expect(paramBounds('time', names, { from: '2024-03-31T02:00:00.123456+02:00', to }, 'Asia/Tokyo')).toEqual({
      from: '2024-03-31T00:00:00.123456Z',
      to: '2024-04-01T00:00:00.5Z',
    })
  })

  it('takes whole numbers of any size', () => {
    expect(paramBounds('integer', names, { from: -5, to: '9223372036854775808' }, 'UTC')).toEqual({
      from: '-5',
      to: '9223372036854775808',
    })
    expect(paramBounds('integer', names, { from: 1n, to: 2n }, 'UTC')).toEqual({ from: '1', to: '2' })
  })

  it('names every field that is wrong, its value and what would be right', () => {
    expect(() => paramBounds('time', names, { from: '2024-13-01' }, 'UTC')).toThrow(
      expect.objectContaining({
        code: 'PARAMS_INVALID',
        reasons: [
          expect.stringMatching(/^params\.from is "2024-13-01": /),
          expect.stringMatching(/^params\.to is missing: must be a date such as 2026-01-31 or an instant/),
        ],
      }),
    )
    for (const wrong of ['2024-01-01T00:00:00', 'soon', 20240101, null])
      expect(() => paramBounds('time', names, { from: wrong, to: '2025-01-01' }, 'UTC')).toThrow(/^params\.from is /)
    for (const wrong of [1.5, 2 ** 53, '1e3', '', null])
      expect(() => paramBounds('integer', names, { from: wrong, to: 10 }, 'UTC')).toThrow(
        /^params\.from is .*whole number/,
      )
  })

  it.each([
    ['2024-01-02', '2024-01-01'],
    ['2024-01-01', '2024-01-01'],
  ])('refuses %s to %s', (from, to) => {
    expect(() => paramBounds('time', names, { from, to }, 'UTC')).toThrow(/the first must come before the second$/)
  })
})
