import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { Schedule } from '../../src/define/schedule.ts'
import { dueTimes } from '../../src/schedule/due-times.ts'
import { scheduleRequests } from '../../src/schedule/schedule-requests.ts'

const requestsOf = (given: object, handled: Date, now: Date): ReturnType<typeof scheduleRequests> => {
  const schedule = Schedule.parse(given)
  return scheduleRequests('orders-v2', schedule, dueTimes(schedule, handled, now))
}

describe('the requests of a schedule', { timeout: 60_000 }, () => {
  test('are named for the due time, in UTC', () => {
    const given = { every: '0 3 * * *', timezone: 'Europe/Berlin', params: { region: 'eu' }, catchUp: 2 }
    expect(requestsOf(given, new Date('2026-10-24T12:00:00Z'), new Date('2026-10-26T12:00:00Z'))).toEqual([
      {
        ...{ version: 1, type: 'start', backfill: 'orders-v2', params: { region: 'eu' }, requestedBy: 'tidemark' },
        requestKey: 'schedule/orders-v2/2026-10-25T02:00:00.000Z',
      },
      {
        ...{ version: 1, type: 'start', backfill: 'orders-v2', params: { region: 'eu' }, requestedBy: 'tidemark' },
        requestKey: 'schedule/orders-v2/2026-10-26T02:00:00.000Z',
      },
    ])
  })

  test('have the dates of their due times in the time zone, also on days of 23 and 25 hours', () => {
    const given = {
      ...{ every: '15 0 * * *', timezone: 'Europe/Berlin', catchUp: 3 },
      bounds: { from: 'first', to: 'end', as: 'date' },
    }
    const handled = new Date('2026-03-27T23:15:00Z')
    expect(requestsOf(given, handled, new Date('2026-03-31T12:00:00Z')).map(({ params }) => params)).toEqual([
      { first: '2026-03-28', end: '2026-03-29' },
      { first: '2026-03-29', end: '2026-03-30' },
      { first: '2026-03-30', end: '2026-03-31' },
    ])
  })

  test.prop({
    every: fc.constantFrom('0 3 * * *', '30 2 * * *', '0 */8 * * *', '0 0 1 * *'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
    catchUp: fc.integer({ min: 1, max: 4 }),
    begin: fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }),
    spans: fc.array(fc.integer({ min: 0, max: 15 * 86_400_000 }), { minLength: 1, maxLength: 4 }),
  })('leave no time between them, whatever was missed', ({ every, timezone, catchUp, begin, spans }) => {
    const schedule = Schedule.parse({ every, timezone, catchUp, bounds: { from: 'from', to: 'to' } })
    let [handled, now] = [new Date(begin), begin]
    const windows: { from: unknown; to: unknown }[] = []
    for (const span of spans) {
      now += span
      const due = dueTimes(schedule, handled, new Date(now))
      windows.push(
        ...scheduleRequests('orders-v2', schedule, due).map(({ params }) => ({
          from: params['from'],
          to: params['to'],
        })),
      )
      handled = due.run.at(-1) ?? handled
    }
    for (const [n, { from }] of windows.entries()) if (n > 0) expect(from).toBe(windows[n - 1]?.to)
    for (const { from, to } of windows) expect(String(from) < String(to)).toBe(true)
  })
})
