import { expect, test, vi } from 'vitest'
import { StatusEvent } from '../../src/contract/status.ts'
import { createTellAlive, createUsageMeter, type TellAliveDeps } from '../../src/work/tell-alive.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

interface Telling {
  readonly told: StatusEvent[]
  readonly deps: TellAliveDeps
}

function telling(given: Partial<TellAliveDeps> = {}): Telling {
  const told: StatusEvent[] = []
  return {
    told,
    deps: {
      worker: 'worker-1',
      instance: '00000004-0000-4000-8000-000000000001',
      load: () => ({ slots: 8, running: 3, lanes: [7, 2] }),
      usage: () => ({ residentMb: 101.234, cpuShare: 0.456, loopDelayMs: 12.3456 }),
      tell: async (events) => void told.push(...events),
      now: () => new Date('2026-11-23T12:00:00Z'),
      everyMs: 10,
      log: silentLog,
      ...given,
    },
  }
}

test('a worker tells when it starts, again and again, and when it stops; each in its place', async () => {
  const { told, deps } = telling()
  const alive = createTellAlive(deps)
  await alive.start()
  await eventually('two signs of life', async () => (told.length > 2 ? true : undefined))
  await alive.stop()
  await alive.stop()
  expect(told.map((event) => ('instance' in event ? event.sequence : null))).toEqual([...told.keys()])
  const types = told.map(({ type }) => type)
  expect([types[0], types.at(-1)]).toEqual(['worker.started', 'worker.stopped'])
  expect(new Set(types.slice(1, -1))).toEqual(new Set(['worker.alive']))
  expect(told[0]).toEqual({
    ...{ version: 1, type: 'worker.started', worker: 'worker-1', instance: deps.instance, sequence: 0 },
    ...{ slots: 8, running: 3, lanes: [2, 7], residentMb: 101.23, cpuShare: 0.46, loopDelayMs: 12.35 },
    at: '2026-11-23T12:00:00.000Z',
  })
  for (const event of told) expect(StatusEvent.parse(event)).toEqual(event)
})

test('what cannot be told stops nothing', async () => {
  const tell = vi.fn(() => Promise.reject(new Error('away')))
  const alive = createTellAlive(telling({ tell }).deps)
  await alive.start()
  await eventually('another try', async () => (tell.mock.calls.length > 1 ? true : undefined))
  await alive.stop()
  expect(tell.mock.calls.length).toBeGreaterThan(2)
})

test('while something is on its way nothing more is told, and stopping does not wait for it', async () => {
  const tell = vi.fn(() => new Promise<void>(() => {}))
  let beats = 0
  const alive = createTellAlive(telling({ tell, load: () => ({ slots: 1, running: (beats += 1), lanes: [] }) }).deps)
  await alive.start()
  await alive.stop()
  expect(tell).toHaveBeenCalledTimes(1)
  expect(beats).toBe(1)
})

test('usage is that since it was last asked', () => {
  let [nowMs, micros] = [0, 0]
  const loopDelay = { max: 0, reset: vi.fn() }
  const usage = createUsageMeter({
    ...{ memoryUsage: () => ({ rss: 50 * 1_048_576 }), cpuUsage: () => ({ user: micros, system: micros }) },
    ...{ loopDelay, resolutionMs: 20, nowMs: () => nowMs },
  })
  ;[nowMs, micros] = [1_000, 250_000]
  Object.assign(loopDelay, { max: 65e6 })
  expect(usage()).toEqual({ residentMb: 50, cpuShare: 0.5, loopDelayMs: 45 })
  nowMs = 3_000
  Object.assign(loopDelay, { max: 0 })
  expect(usage()).toEqual({ residentMb: 50, cpuShare: 0, loopDelayMs: 0 })
  expect(loopDelay.reset).toHaveBeenCalledTimes(2)
})
