import { createRequire } from 'node:module'
import { expect, test, vi } from 'vitest'
import { patchRequestQueue } from '../../src/kafka/timer-patch.ts'

const require = createRequire(import.meta.url)

test('kafkajs is the version whose undocumented behaviour is relied on', () => {
  expect((require('kafkajs/package.json') as { version: string }).version).toBe('2.2.4')
})

test('an idle request queue arms no timer, a waiting one a timer in the future', () => {
  patchRequestQueue()
  const { prototype } = require('kafkajs/src/network/requestQueue') as {
    prototype: { scheduleCheckPendingRequests(this: object): void }
  }
  vi.useFakeTimers()
  try {
    const queue = {
      pending: [] as unknown[],
      throttledUntil: -1,
      throttleCheckTimeoutId: null,
      checkPendingRequests: vi.fn(),
    }
    prototype.scheduleCheckPendingRequests.call(queue)
    expect(vi.getTimerCount()).toBe(0)
    queue.pending.push({})
    prototype.scheduleCheckPendingRequests.call(queue)
    prototype.scheduleCheckPendingRequests.call(queue)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(10)
    expect(queue.checkPendingRequests).toHaveBeenCalledTimes(1)
    expect(queue.throttleCheckTimeoutId).toBeNull()
  } finally {
    vi.useRealTimers()
  }
})
