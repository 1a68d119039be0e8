import { expect, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { type Client, createClient } from '../../src/subscribe/client.ts'
import { handTopic } from '../support/hand-topic.ts'
import { accepted, duplicate, rejected, requestHash } from '../support/run-history.ts'

/** A planner that answers each request with these events. */
const answering = (...answers: StatusEvent[]): Client => {
  const topic = handTopic([[], []])
  const sent = { requestKey: 'k', requestHash }
  return createClient({
    topic,
    send: async () => {
      topic.tell(1, ...answers)
      return sent
    },
    close: () => Promise.resolve(),
  })
}
const request = { version: 1, type: 'start', requestKey: 'k', backfill: 'flights' } as const

test('a request is accepted, found to be a duplicate, or rejected with every reason', async () => {
  expect(await answering(accepted).submit(request)).toEqual(accepted)
  expect(await answering(duplicate).submit(request)).toEqual(duplicate)
  expect(await answering(rejected).submit(request)).toEqual(rejected)
})

test('answers to others are not ours', async () => {
  const [otherKey, otherBody] = [
    { ...rejected, requestKey: 'j' },
    { ...rejected, requestHash: 'b'.repeat(64) },
  ]
  expect(await answering(otherKey, otherBody, accepted).submit(request)).toEqual(accepted)
})

test('without an answer: what is known, and what to look at', async () => {
  await expect(answering().submit(request, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'TIMED_OUT',
    message: expect.stringMatching(/"k" stands on the topic and has no answer yet: is a planner running/),
  })
})

test('waiting can be given up', async () => {
  await expect(answering().submit(request, { signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout/i)
})
