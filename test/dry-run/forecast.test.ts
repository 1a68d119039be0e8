import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { type ForecastFacts, forecast } from '../../src/dry-run/forecast.ts'
import { randomOf } from '../chaos/schedule.ts'

const even: ForecastFacts = {
  ...{
    chunks: [{ rows: 1_000, readMs: 100, writeMs: 0 }],
    atOnce: 2,
    rows: 1_000_000,
    partitions: 100,
    workers: 1,
    slots: 2,
  },
  ...{ rowsPerSecond: null, maxConcurrentPartitions: null },
}

it('is the rows by the speed of what was tried at once', () => {
  const told = forecast(even, randomOf(1))
  expect(told).toMatchObject({ workers: 1, slots: 2, rowsPerSecond: 20_000 })
  // 50 s of chunks, 100 partitions that begin and end, and a little of what is not seen.
  expect(told?.p50Ms).toBeGreaterThan(50_000)
  expect(told?.p50Ms).toBeLessThan(60_000)
})

it('is shorter with more workers, never with more slots than there are partitions', () => {
  const of = (changed: Partial<ForecastFacts>): number => forecast({ ...even, ...changed }, randomOf(1))?.p50Ms ?? 0
  expect(of({ workers: 4 })).toBeLessThan(of({}) / 1.4)
  expect(of({ workers: 4 })).toBeGreaterThan(of({}) / 4)
  expect(of({ partitions: 1 })).toBeGreaterThan(of({}))
})

it('takes it for possible that more workers add nothing, and that they add all they have', () => {
  const [one, four] = [forecast(even, randomOf(1)), forecast({ ...even, workers: 4 }, randomOf(1))]
  expect(four?.p90Ms).toBeGreaterThan((one?.p50Ms ?? 0) * 0.7)
  expect(four?.p10Ms).toBeLessThan((one?.p50Ms ?? 0) / 2.5)
})

it('takes it for possible that writing for good takes twice as long as to a temporary table', () => {
  const chunks = [{ rows: 1_000, readMs: 0, writeMs: 100 }]
  const [read, written] = [forecast(even, randomOf(1)), forecast({ ...even, chunks }, randomOf(1))]
  expect(written?.p10Ms).toBeLessThan((read?.p50Ms ?? 0) * 1.2)
  expect(written?.p90Ms).toBeGreaterThan((read?.p50Ms ?? 0) * 1.8)
})

it('is no faster than the definition allows', () => {
  expect(forecast({ ...even, rowsPerSecond: 1_000 }, randomOf(1))).toMatchObject({
    ...{ rowsPerSecond: 1_000, p10Ms: 1_000_000, p50Ms: 1_000_000, p90Ms: 1_000_000 },
  })
  expect(forecast({ ...even, maxConcurrentPartitions: 1 }, randomOf(1))?.rowsPerSecond).toBe(10_000)
})

it('is none where nothing was tried, or nothing but empty chunks', () => {
  expect(forecast({ ...even, chunks: [] }, randomOf(1))).toBeNull()
  expect(forecast({ ...even, chunks: [{ rows: 0, readMs: 3, writeMs: 0 }] }, randomOf(1))).toBeNull()
})

const chunk = fc.record({
  rows: fc.integer({ min: 1, max: 50_000 }),
  readMs: fc.double({ min: 1, max: 5_000, noNaN: true }),
  writeMs: fc.double({ min: 1, max: 5_000, noNaN: true }),
})
test.prop([fc.array(chunk, { minLength: 1, maxLength: 20 }), fc.integer()])('is an interval', (chunks, seed) => {
  const told = forecast({ ...even, chunks }, randomOf(seed))
  expect(told?.p10Ms).toBeLessThanOrEqual(told?.p50Ms ?? 0)
  expect(told?.p50Ms).toBeLessThanOrEqual(told?.p90Ms ?? 0)
})
