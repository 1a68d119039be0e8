import { expect, test } from 'vitest'
import { silenceLimitMs } from '../../src/kafka/group-watchdog.ts'

test('a member counts as stuck after more than any join, or most of a session, may take', () => {
  expect(silenceLimitMs('rebalancing', 30_000, 6_000)).toBe(40_000)
  expect(silenceLimitMs('rebalancing', 3_000, 6_000)).toBe(16_000)
  expect(silenceLimitMs('stable', 30_000, 6_000)).toBe(20_000)
})

test('a member that was removed and joins again without a word is given the time of that join', () => {
  expect(silenceLimitMs('stable', 6_000, 6_000)).toBeGreaterThan(6_000)
})

test('where silence says nothing there is no limit', () => {
  expect(silenceLimitMs('joining', 10_000, 6_000)).toBeUndefined()
  expect(silenceLimitMs('stopped', 10_000, 6_000)).toBeUndefined()
})
