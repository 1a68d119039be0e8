import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { endsWhenLed } from '../../src/kafka/ends-when-led.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error
}
const [leaderNotAvailable, notLeader, notAuthorised] = [5, 6, 29]
const ends = [{ partition: 0, offset: '7', high: '7', low: '2' }]

/** Answers with the errors first, in turn: the last for ever where `isForEver`. */
function brokers(codes: readonly number[], isForEver = false) {
  const left = [...codes]
  const asked = { times: 0 }
  const fetchTopicOffsets = (): Promise<typeof ends> => {
    asked.times += 1
    const code = isForEver && left.length === 1 ? left[0] : left.shift()
    return code === undefined ? Promise.resolve(ends) : Promise.reject(createErrorFromCode(code))
  }
  return { asked, fetchTopicOffsets }
}

describe('the ends of a topic', () => {
  it('are asked for again while it has no leader', async () => {
    const admin = brokers([leaderNotAvailable, notLeader])
    await expect(endsWhenLed(admin, 'orders')).resolves.toEqual(ends)
    expect(admin.asked.times).toBe(3)
  })

  it('are not asked for again after another error', async () => {
    const admin = brokers([notAuthorised])
    await expect(endsWhenLed(admin, 'orders')).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' })
    expect(admin.asked.times).toBe(1)
  })

  it('are not waited for any more once the signal aborts', async () => {
    const admin = brokers([notLeader], true)
    const stop = new AbortController()
    const asked = endsWhenLed(admin, 'orders', stop.signal)
    setImmediate(() => stop.abort())
    const began = performance.now()
    await expect(asked).rejects.toMatchObject({ type: 'NOT_LEADER_FOR_PARTITION' })
    expect(performance.now() - began).toBeLessThan(4_000)
  })
})
