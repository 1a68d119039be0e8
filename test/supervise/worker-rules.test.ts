import { expect, test } from 'vitest'
import { StatusEvent } from '../../src/contract/status.ts'
import {
  type HeardWorker,
  heardSince,
  silentWorkers,
  workerConditions,
  workerLost,
} from '../../src/supervise/worker-rules.ts'

const heard = (worker: string, sinceMs: number, more: Partial<HeardWorker> = {}): HeardWorker => ({
  ...{ worker, instance: '00000009-0000-4000-8000-000000000001', sequence: 4, isStopped: false, lost: null, sinceMs },
  ...more,
})
const names = (some: readonly HeardWorker[]): string[] => some.map(({ worker }) => worker)
const now = new Date('2026-01-01T00:15:00.000Z')

test('a worker is silent since the look that found the last it said, by the clock of whoever looks', () => {
  const { sinceMs: _since, ...recorded } = heard('w1', 0)
  const first = heardSince([], [recorded], 100)
  expect(first).toEqual([heard('w1', 100)])
  expect(heardSince(first, [recorded], 200)).toEqual(first)
  expect(heardSince(first, [{ ...recorded, sequence: 5 }], 200)).toMatchObject([{ sinceMs: 200 }])
  expect(heardSince(first, [{ ...recorded, instance: '00000009-0000-4000-8000-000000000002' }], 200)).toMatchObject([
    { sinceMs: 200 },
  ])
})

test('silent is who said nothing for long, did not say that it stops, and was not given up', () => {
  const some = [
    heard('alive', 70_001),
    heard('silent', 70_000),
    heard('stopped', 0, { isStopped: true }),
    heard('lost', 0, { lost: { at: now, message: 'gone' } }),
  ]
  expect(names(silentWorkers(some, 30_000, 100_000))).toEqual(['silent'])
})

test('that a worker is lost is the fact after its last one, whoever tells it', () => {
  expect(StatusEvent.parse(workerLost(heard('w1', 69_000), 100_000, now))).toMatchObject({
    ...{ type: 'worker.lost', worker: 'w1', sequence: 5 },
    message: 'it has said nothing for 31 s, and is not in the worker group',
  })
})

test('it is missed for a quarter of an hour, or until it is heard of again', () => {
  const gone = heard('w1', 69_000)
  const about = [{ kind: 'workerLost', about: { worker: 'w1' } }]
  const lostAt = (instant: string): HeardWorker => heard('w1', 0, { lost: { at: new Date(instant), message: 'gone' } })
  expect(workerConditions([gone], [gone], 100_000, now)).toMatchObject(about)
  expect(workerConditions([lostAt('2026-01-01T00:00:01.000Z')], [], 100_000, now)).toMatchObject(about)
  expect(workerConditions([lostAt('2026-01-01T00:00:00.000Z')], [], 100_000, now)).toEqual([])
  expect(workerConditions([gone], [], 100_000, now)).toEqual([])
})
