import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPatience } from '../../src/subscribe/patience.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function patience() {
  const out = vi.fn()
  return { out, ...createPatience(100, out, () => performance.now()) }
}

test('only waiting counts, and what is not wanted does not renew it', () => {
  const { out, begin, wait, come } = patience()
  begin()
  wait()
  vi.advanceTimersByTime(60)
  come(false)
  vi.advanceTimersByTime(1_000)
  expect(out).not.toHaveBeenCalled()
  wait()
  vi.advanceTimersByTime(39)
  expect(out).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2)
  expect(out).toHaveBeenCalledOnce()
})

test('what is wanted renews it', () => {
  const { out, begin, wait, come } = patience()
  begin()
  for (let n = 0; n < 5; n += 1) {
    wait()
    vi.advanceTimersByTime(99)
    come(true)
  }
  expect(out).not.toHaveBeenCalled()
})

test('before it begins nothing counts; it may begin in the middle of a wait', () => {
  const { out, begin, wait, stop } = patience()
  wait()
  vi.advanceTimersByTime(1_000)
  begin()
  vi.advanceTimersByTime(99)
  expect(out).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(out).toHaveBeenCalledOnce()
  stop()
})
