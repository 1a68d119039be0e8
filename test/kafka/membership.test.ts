import { fc, test as prop } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { Membership } from '../../src/kafka/membership.ts'

test('nobody is a member before the first join', () => {
  expect(new Membership().isSure(0, 4_000)).toBe(false)
})

test('the answer that lay waiting while the process was stopped proves nothing, the next one does', () => {
  const membership = new Membership()
  membership.joined(0)
  membership.heard(1_000)
  expect(membership.isSure(3_999, 4_000)).toBe(true)
  membership.heard(9_000)
  // Two were under way when it was stopped.
  membership.heard(9_001)
  expect(membership.isSure(9_001, 4_000)).toBe(false)
  membership.heard(9_800)
  expect(membership.isSure(9_800, 4_000)).toBe(true)
})

prop.prop([
  fc.array(fc.record({ gapMs: fc.integer({ min: Membership.togetherMs, max: 9_000 }), delayMs: fc.nat(9_000) }), {
    minLength: 1,
  }),
  fc.nat(9_000),
])(
  'never sure when the last heartbeat that the group answered was sent longer ago than the limit',
  (beats, laterMs) => {
    const membership = new Membership()
    let nowMs = 0
    let sentMs = 0
    membership.joined(nowMs)
    for (const { gapMs, delayMs } of beats) {
      sentMs = nowMs + gapMs
      nowMs = sentMs + delayMs
      membership.heard(nowMs)
    }
    nowMs += laterMs
    if (nowMs - sentMs >= 4_000) expect(membership.isSure(nowMs, 4_000)).toBe(false)
  },
)
