import { expect, test, vi } from 'vitest'
import { createAwakeClock } from '../../src/process/awake-clock.ts'
import type { Holding, Sink } from '../../src/sink/sink.ts'
import type { Page, Source } from '../../src/source/source.ts'
import type { OpenBackfill } from '../../src/work/hold-partition.ts'
import { createStageWatch, stuckStage } from '../../src/work/stage-watch.ts'
import { watchStages, watchTell } from '../../src/work/watch-stages.ts'
import { createWatchdog, watchdogEveryMs } from '../../src/work/watchdog.ts'
import { progressed } from '../support/partition-events.ts'

const holding = { partitionId: 'p', index: 7 } as Holding
const page: Page = { rows: [], cursor: null, last: false }

/** A sink and a source that answer when they are told to. */
function opened() {
  const answer: { claim?: () => void; commit?: () => void; read?: () => void } = {}
  const later = <T>(name: keyof typeof answer, value: T): Promise<T> =>
    new Promise((resolve) => {
      answer[name] = () => resolve(value)
    })
  const sink = { claim: () => later('claim', {}), commit: () => later('commit', {}) } as unknown as Sink
  const source = {
    async *read() {
      yield await later('read', page)
      yield await later('read', page)
    },
  } as unknown as Source
  return { answer, opened: { sink, source } as OpenBackfill }
}

test('the stuck stage is the oldest, and only beyond the limit', () => {
  const underWay = [
    { stage: 'read', subject: 'partition 1', sinceMs: 500 },
    { stage: 'write', subject: 'partition 2', sinceMs: 100 },
  ] as const
  expect(stuckStage([], 9_000, 100)).toBeUndefined()
  expect(stuckStage(underWay, 1_100, 1_000)).toBeUndefined()
  expect(stuckStage(underWay, 1_101, 1_000)).toEqual({ ...underWay[1], ageMs: 1_001 })
})

test('each wait of a hold is a stage, and between them there is none', async () => {
  const watch = createStageWatch(() => 0)
  const stages = () => [...watch.underWay].map(({ stage, subject }) => `${stage} ${subject}`)
  const { answer, opened: plain } = opened()
  const { sink, source } = watchStages(plain, watch.enter)

  const claiming = sink.claim(holding)
  expect(stages()).toEqual(['claim partition 7 (p)'])
  answer.claim?.()
  await claiming
  expect(stages()).toEqual([])

  const pages = source.read({} as never, null, 1, AbortSignal.abort())[Symbol.asyncIterator]()
  const reading = pages.next()
  expect(stages()).toEqual(['read partition 7 (p)'])
  answer.read?.()
  await reading
  expect(stages()).toEqual(['transform partition 7 (p)'])
  const writing = sink.commit({} as never)
  expect(stages()).toEqual(['write partition 7 (p)'])
  answer.commit?.()
  await writing
  expect(stages()).toEqual([])

  const second = pages.next()
  answer.read?.()
  await second
  expect(stages()).toEqual(['transform partition 7 (p)'])
  // What a failed transform, or a stop, leads to.
  await pages.return?.()
  expect(stages()).toEqual([])
})

test('telling is a stage that ends with it, however it ends', async () => {
  const watch = createStageWatch(() => 0)
  const tell = watchTell(async () => {
    expect([...watch.underWay]).toMatchObject([{ stage: 'tell' }])
    throw new Error('no broker')
  }, watch.enter)
  await expect(tell([progressed()])).rejects.toThrow('no broker')
  expect(watch.underWay.size).toBe(0)
})

test('time in which the process stood still does not count', () => {
  let nowMs = 0
  const clock = createAwakeClock(() => nowMs, 1_000)
  for (nowMs = 1_000; nowMs <= 5_000; nowMs += 1_000) clock.tick()
  nowMs = 95_000
  clock.tick()
  expect(clock.nowMs()).toBe(6_000)
  nowMs = 96_000
  clock.tick()
  expect(clock.nowMs()).toBe(7_000)
})

test('the watchdog ends the process with the stage, the partition and the limit', async () => {
  vi.useFakeTimers()
  try {
    const clock = createAwakeClock(() => performance.now(), watchdogEveryMs)
    const watch = createStageWatch(() => clock.nowMs())
    const watchdog = createWatchdog({ watch, clock, limitMs: 5_000 })
    await watchdog.start()
    const leave = watch.enter('read', 'partition 3')
    await vi.advanceTimersByTimeAsync(4_500)
    leave()
    watch.enter('write', 'partition 4')
    const failed = expect(watchdog.failed).rejects.toMatchObject({
      code: 'TIMED_OUT',
      message: expect.stringMatching(
        /^partition 4 is stuck: its stage "write" has lasted \d+ ms and the limit is 5000 ms/,
      ),
    })
    await vi.advanceTimersByTimeAsync(7_000)
    await failed
    await watchdog.stop()
  } finally {
    vi.useRealTimers()
  }
})
