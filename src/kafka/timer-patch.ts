import { createRequire } from 'node:module'

interface RequestQueue {
  pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

/**
 * kafkajs 2.2.4 re-arms `setTimeout` with a negative delay for ever (tulios/kafkajs#1704, #1751): 1,800 timers a
 * second when idle, and a warning on Node 24. Arms the timer only while requests wait. Undocumented, hence pinned by
 * a test and by the exact version.
 */
export function patchRequestQueue(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null
        this.checkPendingRequests()
      },
      Math.max(this.throttledUntil - Date.now(), 10),
    )
  }
}
