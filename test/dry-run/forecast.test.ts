import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { type ForecastFacts, forecast } from '../../src/dry-run/forecast.ts'
import { randomOf } from '../chaos/schedule.ts'

const even: ForecastFacts = {
  ...{ chunks: [{ rows: 1_000, ms: 100 }], atOnce: 2, rows: 1_000_000, partitions: 100, workers: 1, slots: 2 },
  ...{ rowsPerSecond: null, maxConcurrentPartitions: null },
}

it('is the rows by the speed of what was tried at once', () => {
  const told = forecast(even, randomOf(1))
  expect(told).toMatchObject({ workers: 1, slots: 2, rowsPerSecond: 20_000 })
  // 50 s of chunks, and 100 partitions that begin and end.
  expect(told?.p50Ms).toBeGreaterThan(50_000)
  expect(told?.p50Ms).toBeLessThan(53_000)
})

it('is shorter with more workers, never with more slots than there are partitions', () => {
  const of = (changed: Partial<ForecastFacts>): number => forecast({ ...even, ...changed }, randomOf(1))?.p50Ms ?? 0
  expect(of({ workers: 4 })).toBeLessThan(of({}) / 3)
  expect(of({ partitions: 1 })).toBeGreaterThan(of({}))
})

it('is no faster than the definition allows', () => {
  expect(forecast({ ...even, rowsPerSecond: 1_000 }, randomOf(1))).toMatchObject({
    ...{ rowsPerSecond: 1_000, p10Ms: 1_000_000, p50Ms: 1_000_000, p90Ms: 1_000_000 },
  })
  expect(forecast({ ...even, maxConcurrentPartitions: 1 }, randomOf(1))?.rowsPerSecond).toBe(10_000)
})

it('is none where nothing was tried, or nothing but empty chunks', () => {
  expect(forecast({ ...even, chunks: [] }, randomOf(1))).toBeNull()
  expect(forecast({ ...even, chunks: [{ rows: 0, ms: 3 }] }, randomOf(1))).toBeNull()
})

const chunk = fc.record({
  rows: fc.integer({ min: 1, max: 50_000 }),
  ms: fc.double({ min: 1, max: 5_000, noNaN: true }),
})
test.prop([fc.array(chunk, { minLength: 1, maxLength: 20 }), fc.integer()])('is an interval', (chunks, seed) => {
  const told = forecast({ ...even, chunks }, randomOf(seed))
  expect(told?.p10Ms).toBeLessThanOrEqual(told?.p50Ms ?? 0)
  expect(told?.p50Ms).toBeLessThanOrEqual(told?.p90Ms ?? 0)
})
