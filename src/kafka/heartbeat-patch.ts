import { createRequire } from 'node:module'

interface ConsumerGroup {
  lastRequest: number
  heartbeat(options: { interval: number }): Promise<void>
}

let isPatched = false

/**
 * kafkajs 2.2.4 tells by the wall clock whether a heartbeat is due: when that is set back, none is for as long, and the
 * member is removed from its group. A last heartbeat in the future was none. Undocumented, hence pinned by a test and by
 * the exact version.
 */
export function patchHeartbeat(): void {
  if (isPatched) return
  isPatched = true
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup }
  const { heartbeat } = prototype
  prototype.heartbeat = function (this: ConsumerGroup, options): Promise<void> {
    if (this.lastRequest > Date.now()) this.lastRequest = 0
    return heartbeat.call(this, options)
  }
}
