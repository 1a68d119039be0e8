import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { actKinds, scheduleOf } from './schedule.ts'

const options = fc.record({
  seed: fc.nat(),
  durationMs: fc.integer({ min: 60_000, max: 1_800_000 }),
  workers: fc.constant(['worker-1', 'worker-2', 'worker-3']),
  others: fc.constant(['planner', 'ledger', 'supervisor']),
  sessionTimeoutMs: fc.constant(6_000),
})

test.prop([options])('a seed is a schedule: in order, within its time, of parts that are there', (given) => {
  const acts = scheduleOf(given)
  expect(scheduleOf({ ...given })).toEqual(acts)
  const parts = new Set([...given.workers, ...given.others])
  let last = 0
  for (const act of acts) {
    expect(act.atMs).toBeGreaterThanOrEqual(last)
    expect(act.atMs).toBeLessThan(given.durationMs)
    if ('part' in act) expect(parts).toContain(act.part)
    if ('worker' in act) expect(given.workers).toContain(act.worker)
    last = act.atMs
  }
})

test.prop([options, fc.nat()])('another seed is another schedule', (given, other) => {
  fc.pre(given.seed !== other)
  expect(scheduleOf({ ...given, seed: other })).not.toEqual(scheduleOf(given))
})

test.prop([fc.nat()])('twenty minutes have at least 100 kills and 40 freezes, and restarts of both servers', (seed) => {
  const acts = scheduleOf({
    ...{ seed, durationMs: 1_200_000, workers: ['worker-1'], others: [], sessionTimeoutMs: 6_000 },
  })
  const count = (kind: string): number => acts.filter((act) => act.kind === kind).length
  expect(count('kill')).toBeGreaterThanOrEqual(100)
  expect(count('freeze')).toBeGreaterThanOrEqual(40)
  for (const server of ['kafka', 'postgres'])
    expect(acts.filter((act) => act.kind === 'server' && act.server === server).length).toBeGreaterThanOrEqual(3)
})

test.prop([options, fc.subarray([...actKinds])])(
  'acts of some kinds stand where they stand among all',
  (given, kinds) => {
    expect(scheduleOf({ ...given, kinds })).toEqual(scheduleOf(given).filter(({ kind }) => kinds.includes(kind)))
  },
)
