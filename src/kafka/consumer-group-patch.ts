import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'

interface ConsumerGroup {
  lastRequest: number
  readonly memberId: string | null
  readonly generationId: number | null
  heartbeat(options: { interval: number }): Promise<void>
  /** Called again with the same object at each of kafkajs's own retries. */
  commitOffsets(offsets?: object): Promise<void>
}

let isPatched = false

/**
 * Two habits of kafkajs 2.2.4, both undocumented, hence pinned by tests and by the exact version. It tells by the wall
 * clock whether a heartbeat is due: when that is set back, none is for as long, and the member is removed from its
 * group; a last heartbeat in the future was none. And it sends a commit that found no coordinator again whenever it
 * finds one, by then perhaps as another member, over what the new holder of the lane has committed: a commit belongs to
 * the generation in which it was made.
 */
export function patchConsumerGroup(): void {
  if (isPatched) return
  isPatched = true
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup }
  const { heartbeat, commitOffsets } = prototype
  const madeIn = new WeakMap<object, string>()
  prototype.heartbeat = function (this: ConsumerGroup, options): Promise<void> {
    if (this.lastRequest > Date.now()) this.lastRequest = 0
    return heartbeat.call(this, options)
  }
  prototype.commitOffsets = async function (this: ConsumerGroup, offsets): Promise<void> {
    if (offsets === undefined) return commitOffsets.call(this)
    const now = `${this.memberId}, generation ${this.generationId}`
    const made = madeIn.get(offsets) ?? now
    madeIn.set(offsets, made)
    if (made !== now)
      throw new kafkajs.KafkaJSNonRetriableError(`a commit made by member ${made} is not sent any more by ${now}`)
    return commitOffsets.call(this, offsets)
  }
}
