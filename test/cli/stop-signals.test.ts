import { EventEmitter } from 'node:events'
import { expect, test, vi } from 'vitest'
import { isEcho, isStartedByNpx, listenForSignals } from '../../src/cli/stop-signals.ts'

const emitter = (more: object = {}): NodeJS.Process =>
  Object.assign(new EventEmitter(), { env: {}, ppid: 7 }, more) as NodeJS.Process

test('a signal within a second of the first is its echo', () => {
  expect(isEcho(1_000, 1_002)).toBe(true)
  expect(isEcho(1_000, 2_000)).toBe(false)
})

test('Ctrl-C that arrives twice asks once', () => {
  const self = emitter()
  const atOnce = vi.fn()
  const { stop } = listenForSignals(self, false, atOnce)
  self.emit('SIGINT', 'SIGINT')
  self.emit('SIGINT', 'SIGINT')
  expect(stop.aborted).toBe(true)
  expect(atOnce).not.toHaveBeenCalled()
})

test('a second signal later means at once', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    const self = emitter()
    const atOnce = vi.fn()
    listenForSignals(self, false, atOnce)
    self.emit('SIGTERM', 'SIGTERM')
    vi.advanceTimersByTime(1_500)
    self.emit('SIGINT', 'SIGINT')
    expect(atOnce).toHaveBeenCalledExactlyOnceWith('SIGINT')
  } finally {
    vi.useRealTimers()
  }
})

test('a kept role leaves Ctrl-C to its parent and obeys SIGTERM', () => {
  const self = emitter()
  const { stop } = listenForSignals(self, true, () => {})
  self.emit('SIGINT', 'SIGINT')
  expect(stop.aborted).toBe(false)
  self.emit('SIGTERM', 'SIGTERM')
  expect(stop.aborted).toBe(true)
})

test('the end of npx asks as SIGTERM does, the end of another parent does not', () => {
  vi.useFakeTimers()
  try {
    const npx = { npm_lifecycle_event: 'npx', npm_lifecycle_script: "'tidemark'" }
    expect(isStartedByNpx(npx)).toBe(true)
    const self = emitter({ env: npx })
    const { stop } = listenForSignals(self, false, () => {})
    vi.advanceTimersByTime(5_000)
    expect(stop.aborted).toBe(false)
    Object.assign(self, { ppid: 1 })
    vi.advanceTimersByTime(5_000)
    expect(stop.aborted).toBe(true)

    const byHand = emitter({ env: { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'concurrently' } })
    const other = listenForSignals(byHand, false, () => {})
    Object.assign(byHand, { ppid: 1 })
    vi.advanceTimersByTime(5_000)
    expect(other.stop.aborted).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})
