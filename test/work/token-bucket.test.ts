import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { type Bucket, isForgettable, newBucket, refilled, taken, waitMsOf } from '../../src/work/token-bucket.ts'

/** What happens to a bucket: time passes, the rate changes, somebody wants a chunk and reads less of it. */
const step = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 })),
  rate: fc.oneof(fc.constant(undefined), fc.double({ min: 0, max: 5_000, noNaN: true })),
  rows: fc.integer({ min: 1, max: 2_000 }),
  read: fc.double({ min: 0, max: 1, noNaN: true }),
})

const slack = 1e-6

test.prop([fc.double({ min: 0.1, max: 5_000, noNaN: true }), fc.array(step, { maxLength: 80 })])(
  'from any moment to any other no more is taken than the rate gives, one second of it, and one chunk',
  (firstRate, steps) => {
    let bucket: Bucket = newBucket(firstRate, 0)
    let [nowMs, given] = [0, 0]
    let highest = firstRate
    const takes: { atMs: number; given: number; rows: number }[] = []
    for (const { afterMs, rate, rows, read } of steps) {
      nowMs += afterMs
      given += (bucket.rate * afterMs) / 1_000
      highest = Math.max(highest, rate ?? 0)
      bucket = refilled(bucket, rate ?? bucket.rate, nowMs)
      if (waitMsOf(bucket) > 0) continue
      const fewer = Math.floor(rows * read)
      bucket = taken(taken(bucket, rows), fewer - rows)
      takes.push({ atMs: nowMs, given, rows: fewer })
    }
    for (const [first, from] of takes.entries()) {
      let [sum, largest] = [0, 0]
      for (const to of takes.slice(first)) {
        largest = Math.max(largest, to.rows)
        sum += to.rows
        expect(sum).toBeLessThanOrEqual(to.given - from.given + highest + largest + slack)
      }
    }
  },
)

test.prop([fc.double({ min: 0.1, max: 5_000, noNaN: true }), fc.integer({ min: 1, max: 100_000 })])(
  'after the wait that it names, and not long before, the next chunk may begin',
  (rate, rows) => {
    const bucket = taken(newBucket(rate, 0), rows)
    const waitMs = waitMsOf(bucket)
    expect(waitMsOf(refilled(bucket, rate, waitMs + 1))).toBe(0)
    expect(waitMsOf(refilled(bucket, rate, Math.max(0, waitMs - 2)))).toBeGreaterThan(0)
  },
)

test.prop([fc.double({ min: 0, max: 5_000, noNaN: true }), fc.integer({ min: -5_000, max: 5_000 })])(
  'a clock that goes back, or stands still, gives nothing',
  (rate, rows) => {
    const bucket = taken(newBucket(rate, 1_000), rows)
    for (const nowMs of [0, 999, 1_000]) expect(refilled(bucket, rate, nowMs).rows).toBeLessThanOrEqual(bucket.rows)
  },
)

test.prop([fc.double({ min: 0, max: 5_000, noNaN: true }), fc.integer({ min: 0, max: 5_000 }), fc.nat(10_000)])(
  'a bucket that is forgotten is followed by one that gives no more',
  (rate, rows, nowMs) => {
    const bucket = taken(newBucket(rate, 0), rows)
    if (isForgettable(bucket, nowMs))
      expect(newBucket(rate, nowMs).rows).toBeLessThanOrEqual(refilled(bucket, rate, nowMs).rows)
  },
)

test('without a rate nothing comes, however long one waits', () => {
  const bucket = taken(newBucket(0, 0), 1)
  expect(waitMsOf(bucket)).toBe(Number.POSITIVE_INFINITY)
  expect(waitMsOf(refilled(bucket, 0, 1e9))).toBe(Number.POSITIVE_INFINITY)
  expect(waitMsOf(refilled(refilled(bucket, 100, 1e9), 100, 1e9 + 10))).toBe(0)
})
