import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { type Looks, nextLookMs } from '../../src/schedule/next-look.ts'

test('a run is followed no sooner than the interval after it was accepted', () => {
  expect(nextLookMs(1_000, undefined, 60_000)).toBe(61_000)
})

test.prop({
  everyMs: fc.integer({ min: 1, max: 100_000 }),
  acceptedAtMs: fc.integer({ min: 0, max: 1_000_000 }),
  vain: fc.integer({ min: 1, max: 30 }),
})('looks in vain come after twice as long each time, up to sixteen times the interval', (given) => {
  const { everyMs, acceptedAtMs, vain } = given
  let looks: Looks | undefined
  let before = nextLookMs(acceptedAtMs, looks, everyMs)
  for (let count = 1; count <= vain; count += 1) {
    looks = { count, lastAtMs: before }
    const next = nextLookMs(acceptedAtMs, looks, everyMs)
    expect(next - before).toBe(everyMs * Math.min(2 ** (count - 1), 16))
    before = next
  }
})
