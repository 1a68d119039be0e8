import { expect, it } from 'vitest'
import { shareConnection } from '../../src/kafka/share-connection.ts'
import type { TopicConnection } from '../../src/kafka/topic-connection.ts'

function counted() {
  const counts = { opened: 0, closed: 0 }
  const open = async (): Promise<TopicConnection> => {
    counts.opened += 1
    return {
      fetch: async () => null,
      offsets: async () => ({ first: 0n, end: 0n }),
      topicId: async () => null,
      close: async () => void (counts.closed += 1),
    }
  }
  return { counts, share: shareConnection(open) }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('those who read at the same time have one connection, which the last one to leave closes', async () => {
  const { counts, share } = counted()
  const [first, second] = [share(), share()]
  expect(await first.connection).toBe(await second.connection)
  first.leave()
  await settled()
  expect(counts).toEqual({ opened: 1, closed: 0 })
  second.leave()
  await settled()
  expect(counts).toEqual({ opened: 1, closed: 1 })
  const third = share()
  expect(await third.connection).not.toBe(await first.connection)
})

it('one that failed is not given out again, and closed when those who have it leave', async () => {
  const { counts, share } = counted()
  const [first, second] = [share(), share()]
  first.discard()
  first.leave()
  const third = share()
  expect(await third.connection).not.toBe(await second.connection)
  second.leave()
  await settled()
  expect(counts).toEqual({ opened: 2, closed: 1 })
})

it('one that could not be opened is tried again by the next reader', async () => {
  let tries = 0
  const share = shareConnection(async () => {
    tries += 1
    throw new Error('away')
  })
  const first = share()
  await expect(first.connection).rejects.toThrow('away')
  first.leave()
  await expect(share().connection).rejects.toThrow('away')
  expect(tries).toBe(2)
})
