import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { cronOf } from '../../src/define/schedule.ts'
import { dueAfter, dueBefore, dueTimes } from '../../src/schedule/due-times.ts'

const clocks = fc.record({
  every: fc.constantFrom('0 3 * * *', '*/30 * * * *', '30 2 * * *', '0 0 1 * *', '15 6 * * 1-5', '0 2 29 2 *'),
  timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
  catchUp: fc.integer({ min: 1, max: 5 }),
})
const hourMs = 3_600_000
const begins = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }).map((ms) => new Date(ms))
/** Every half hour of a day, or some of weeks: enough to cross a change of the clocks. */
const spans = fc.integer({ min: 0, max: 24 * hourMs })
const spanOf = (every: string, span: number): number => (every.startsWith('*') ? span : span * 25)

/** One after the other, as a planner that is always there sees them. */
function allDue(clock: { every: string; timezone: string }, after: Date, upTo: Date): string[] {
  const cron = cronOf(clock)
  const all: string[] = []
  for (let time = cron.nextRun(after); time !== null && time <= upTo; time = cron.nextRun(time))
    all.push(time.toISOString())
  return all
}
const texts = (times: readonly Date[]): string[] => times.map((time) => time.toISOString())

describe('due times', { timeout: 60_000 }, () => {
  test.prop({ clock: clocks, handled: begins, span: spans })(
    'are all that came since, the latest to be run and the others skipped',
    ({ clock, handled, span }) => {
      const now = new Date(handled.getTime() + spanOf(clock.every, span))
      const all = allDue(clock, handled, now)
      const { run, skipped } = dueTimes(clock, handled, now)
      expect(texts(run)).toEqual(all.slice(-clock.catchUp))
      const left = all.slice(0, -clock.catchUp)
      if (left.length === 0) expect(skipped).toBeNull()
      else {
        expect(skipped?.from.toISOString()).toBe(left[0])
        expect(skipped?.to.toISOString()).toBe(left.at(-1))
        expect(skipped?.times).toBe(left.length > 1_000 ? null : left.length)
      }
    },
  )

  test.prop({ clock: clocks, handled: begins, looks: fc.array(spans, { minLength: 1, maxLength: 4 }) })(
    'are decided upon once each, however often one looks',
    ({ clock, handled, looks }) => {
      const seen: string[] = []
      let [from, now] = [handled, handled]
      for (const span of looks) {
        now = new Date(now.getTime() + spanOf(clock.every, span))
        const { run, skipped } = dueTimes(clock, from, now)
        if (skipped !== null) seen.push(...allDue(clock, new Date(skipped.from.getTime() - 1_000), skipped.to))
        seen.push(...texts(run))
        from = run.at(-1) ?? from
      }
      expect(seen).toEqual(allDue(clock, handled, now))
    },
  )

  test.prop({ clock: clocks, begin: begins })('lie one before the other', ({ clock, begin }) => {
    const first = dueAfter(clock, begin)
    const second = first === null ? null : dueAfter(clock, first)
    if (first === null || second === null) return
    expect(second.getTime()).toBeGreaterThan(first.getTime())
    expect(dueBefore(clock, second)).toEqual(first)
  })

  test('a clock that was set back makes nothing due again', () => {
    const clock = { every: '* * * * *', timezone: 'UTC', catchUp: 3 }
    expect(dueTimes(clock, new Date('2026-01-02T00:00:00Z'), new Date('2026-01-01T00:00:00Z'))).toEqual({
      run: [],
      skipped: null,
    })
  })

  test('at the very millisecond it is due, at the one before it is not', () => {
    const clock = { every: '0 3 * * *', timezone: 'UTC', catchUp: 1 }
    const handled = new Date('2026-01-01T04:00:00Z')
    expect(dueTimes(clock, handled, new Date('2026-01-02T02:59:59.999Z')).run).toEqual([])
    expect(texts(dueTimes(clock, handled, new Date('2026-01-02T03:00:00.000Z')).run)).toEqual([
      '2026-01-02T03:00:00.000Z',
    ])
  })

  test('of a downtime of years are not counted one by one', () => {
    const clock = { every: '* * * * *', timezone: 'UTC', catchUp: 2 }
    const due = dueTimes(clock, new Date('2020-01-01T00:00:00Z'), new Date('2026-01-01T00:00:30Z'))
    expect(texts(due.run)).toEqual(['2025-12-31T23:59:00.000Z', '2026-01-01T00:00:00.000Z'])
    expect(due.skipped).toEqual({
      from: new Date('2020-01-01T00:01:00Z'),
      to: new Date('2025-12-31T23:58:00Z'),
      times: null,
    })
  })
})

describe('when clocks change in Europe/Berlin', () => {
  const due = (every: string, handled: string, now: string): string[] =>
    texts(dueTimes({ every, timezone: 'Europe/Berlin', catchUp: 100 }, new Date(handled), new Date(now)).run)

  test('a time that does not exist (02:30 on 29 March 2026) is due when the clocks have gone forward, at 03:00', () => {
    expect(due('30 2 * * *', '2026-03-27T12:00:00Z', '2026-03-30T12:00:00Z')).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
  })

  test('a time that exists twice (02:30 on 25 October 2026) is due the first time', () => {
    expect(due('30 2 * * *', '2026-10-23T12:00:00Z', '2026-10-26T12:00:00Z')).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('every half hour is every half hour that passes, 46 on one day and 50 on the other', () => {
    expect(due('*/30 * * * *', '2026-03-28T22:59:59Z', '2026-03-29T21:59:59Z')).toHaveLength(46)
    expect(due('*/30 * * * *', '2026-10-24T21:59:59Z', '2026-10-25T22:59:59Z')).toHaveLength(50)
  })
})
