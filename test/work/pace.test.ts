import { describe, expect, test } from 'vitest'
import { noSettings, type Settings } from '../../src/contract/settings.ts'
import { createPace, type Pace } from '../../src/work/pace.ts'

const runId = '019aa000-0000-7000-8000-000000000001'
const other = '019aa000-0000-7000-8000-000000000002'
const free = { chunkRows: 25_000, rowsPerSecond: null }
const never = new AbortController().signal

function world(given: Partial<Settings> = {}): { pace: Pace; settings: Settings; share: number } {
  const around = { settings: { ...noSettings, ...given }, share: 1, pace: undefined as unknown as Pace }
  around.pace = createPace({
    settingsOf: (of) => (of === runId ? around.settings : noSettings),
    share: () => around.share,
    nowMs: () => performance.now(),
  })
  return around
}

describe('rows of a chunk', () => {
  test('are what the definition says, or what was tuned', () => {
    const around = world()
    expect(around.pace.chunkRows(runId, free)).toBe(25_000)
    around.settings = { ...noSettings, chunkRows: 50_000 }
    expect(around.pace.chunkRows(runId, free)).toBe(50_000)
    expect(around.pace.chunkRows(other, free)).toBe(25_000)
  })

  test('are no more than the part of the rate that this worker has, and one at least', () => {
    const around = world({ rowsPerSecond: 1_000 })
    around.share = 0.25
    expect(around.pace.chunkRows(runId, free)).toBe(250)
    around.share = 0
    expect(around.pace.chunkRows(runId, free)).toBe(1)
    expect(around.pace.chunkRows(other, { ...free, rowsPerSecond: 10_000 })).toBe(1)
  })
})

describe('a turn', () => {
  test('of a run without a rate is not waited for', () => {
    expect(world().pace.turn(runId, free, 25_000, never)).toBeUndefined()
  })

  test('comes to all tasks of a run together as often as the rate says', async () => {
    const { pace } = world({ rowsPerSecond: 2_000 })
    const began = performance.now()
    let rows = 0
    const task = async (chunks: number): Promise<void> => {
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        const took = await pace.turn(runId, free, 100, never)
        rows += 100
        took?.(100)
        expect(rows).toBeLessThanOrEqual((2_000 * (performance.now() - began)) / 1_000 + 100 + 1)
      }
    }
    await Promise.all([task(5), task(5), task(5)])
    expect(rows).toBe(1_500)
  })

  test('costs what was read, not what might have been', async () => {
    const { pace } = world({ rowsPerSecond: 10 })
    // A thousand rows at ten a second would be waited for.
    for (let chunk = 0; chunk < 10; chunk += 1) (await pace.turn(runId, free, 100, never))?.(0)
    const took = await pace.turn(runId, free, 100, never)
    expect(took).toBeDefined()
  })

  test('that is far away comes at once when the rate is taken back, and ends with the signal', async () => {
    const around = world({ rowsPerSecond: 1 })
    const first = await around.pace.turn(runId, free, 100_000, never)
    first?.(100_000)
    const stop = new AbortController()
    const stopped = around.pace.turn(runId, free, 1, stop.signal)
    const waiting = around.pace.turn(runId, free, 1, never)
    stop.abort()
    await stopped
    around.settings = noSettings
    await waiting
    expect(around.pace.turn(runId, free, 1, never)).toBeUndefined()
  })

  test('does not come while the worker holds no lane, and comes when it holds one again', async () => {
    const around = world({ rowsPerSecond: 1_000 })
    around.share = 0
    let hasCome = false
    const turn = around.pace.turn(runId, free, 1, never)?.then(() => {
      hasCome = true
    })
    await new Promise(setImmediate)
    expect(hasCome).toBe(false)
    around.share = 0.5
    await turn
    expect(hasCome).toBe(true)
  })
})
