import { expect, test } from 'vitest'
import { StatusEvent, type WorkerEvent } from '../../src/contract/status.ts'
import { type HeardWorker, lostWorkers, workerConditions, workerLost } from '../../src/supervise/worker-rules.ts'

const told = (
  worker: string,
  type: 'worker.started' | 'worker.alive' | 'worker.stopped',
  silentMs: number,
): HeardWorker => ({
  event: {
    ...{ version: 1, type, at: '2026-01-01T00:00:00.000Z', worker, instance: '00000009-0000-4000-8000-000000000001' },
    ...{ sequence: 4, slots: 2, running: 0, lanes: [], residentMb: 90, cpuShare: 0.1, loopDelayMs: 3 },
  },
  silentMs,
})
const names = (heard: readonly HeardWorker[]): string[] => heard.map(({ event }) => event.worker)

test('lost is who said nothing for long, did not say that it stops, and is in no group', () => {
  const heard = [
    told('alive', 'worker.alive', 29_999),
    told('silent', 'worker.alive', 30_000),
    told('never', 'worker.started', 60_000),
    told('stopped', 'worker.stopped', 60_000),
    told('frozen', 'worker.alive', 60_000),
  ]
  expect(names(lostWorkers(heard, ['alive', 'frozen'], 30_000))).toEqual(['silent', 'never'])
})

test('that a worker is lost is the fact after its last one, whoever tells it', () => {
  const one = told('w1', 'worker.alive', 31_000)
  const event = workerLost(one, new Date(0))
  expect(StatusEvent.parse(event)).toMatchObject({
    ...{ type: 'worker.lost', worker: 'w1', sequence: 5 },
    message: 'it has said nothing for 31 s, and is not in the worker group',
  })
})

test('it is missed for a quarter of an hour, or until it is heard of again', () => {
  const one = told('w1', 'worker.alive', 31_000)
  const lost = (silentMs: number): HeardWorker => ({ event: workerLost(one, new Date(0)) as WorkerEvent, silentMs })
  expect(workerConditions([one], [one])).toMatchObject([{ kind: 'workerLost', about: { worker: 'w1' } }])
  expect(workerConditions([lost(1_000)], [])).toMatchObject([{ kind: 'workerLost', about: { worker: 'w1' } }])
  expect(workerConditions([lost(900_000)], [])).toEqual([])
  expect(workerConditions([told('w1', 'worker.started', 1)], [])).toEqual([])
})
