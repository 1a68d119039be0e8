import { EventEmitter } from 'node:events'
import type { Consumer } from 'kafkajs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchConsumer } from '../../src/kafka/consumer-watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const events = { GROUP_JOIN: 'join', HEARTBEAT: 'heartbeat', FETCH: 'fetch', END_BATCH_PROCESS: 'end', CRASH: 'crash' }

function watched(answers: () => Promise<boolean>) {
  const emitter = new EventEmitter()
  const on = (event: string, listener: () => void) => {
    emitter.on(event, listener)
    return () => emitter.off(event, listener)
  }
  const stuck: number[] = []
  const consumer = { on, events } as unknown as Pick<Consumer, 'on' | 'events'>
  const watch = watchConsumer(consumer, { limitMs: 10_000, answers, stuck: (silentMs) => stuck.push(silentMs) })
  return { emitter, stuck, watch }
}

test('a consumer that gives no sign while brokers answer is stuck, which is told once', async () => {
  const { stuck } = watched(async () => true)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(stuck).toEqual([])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(stuck).toEqual([11_000])
})

test.each(Object.values(events))('%s is a sign', async (event) => {
  const { emitter, stuck } = watched(async () => true)
  for (let n = 0; n < 5; n += 1) {
    await vi.advanceTimersByTimeAsync(9_000)
    emitter.emit(event)
  }
  expect(stuck).toEqual([])
})

test('while brokers answer nobody, silence says nothing', async () => {
  let isThere = false
  const { stuck } = watched(async () => {
    if (!isThere) throw new Error('away')
    return true
  })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(stuck).toEqual([])
  isThere = true
  await vi.advanceTimersByTimeAsync(1_000)
  expect(stuck).toHaveLength(1)
})

test('one that is heard of while brokers are asked is not stuck, nor one that is not watched any more', async () => {
  const asked = Promise.withResolvers<boolean>()
  const first = watched(() => asked.promise)
  await vi.advanceTimersByTimeAsync(11_000)
  first.emitter.emit('fetch')
  asked.resolve(true)
  await vi.advanceTimersByTimeAsync(1)
  expect(first.stuck).toEqual([])

  const second = watched(async () => true)
  second.watch.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(second.stuck).toEqual([])
  expect(second.emitter.listenerCount('fetch')).toBe(0)
})
