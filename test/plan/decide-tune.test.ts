import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type TuneRequest, tunable } from '../../src/contract/request.ts'
import { noSettings } from '../../src/contract/settings.ts'
import { isTerminalRun, RunState } from '../../src/contract/states.ts'
import { decideTune, type TunedRun, type Tuning } from '../../src/plan/decide-tune.ts'

const id = '019aa000-0000-7000-8000-000000000001'
// Few values, so that what is asked often is what holds.
const few = fc.constantFrom(1, 2, 3)
const fewOrNone = fc.constantFrom(null, 1, 2)
const anyTuning: fc.Arbitrary<Tuning> = fc.record({
  ...{ chunkRows: fewOrNone, maxConcurrentPartitions: fewOrNone, rowsPerSecond: fewOrNone },
  ...{ priority: few, weight: few },
})
const anyRun: fc.Arbitrary<TunedRun> = fc.record({
  ...{ id: fc.constant(id), state: fc.constantFrom(...RunState.options), tuning: anyTuning },
})
const anyAsk = fc
  .tuple(anyTuning, fc.subarray([...tunable], { minLength: 1 }))
  .map(([tuning, names]): TuneRequest => ask(Object.fromEntries(names.map((name) => [name, tuning[name]]))))

const ask = (settings: Partial<Tuning>): TuneRequest => ({
  ...{ version: 1, type: 'tune', requestKey: 'k', runId: id },
  ...settings,
})
const run = (tuning: Partial<Tuning> = {}, state: RunState = 'running'): TunedRun => ({
  ...{ id, state, tuning: { ...noSettings, priority: 0, weight: 1, ...tuning } },
})

describe('whatever is asked of whatever run', () => {
  test.prop([anyRun, anyAsk])(
    'it is live, what is asked for holds then, and nothing else changes',
    (found, request) => {
      const decision = decideTune(found, request)
      if (decision.kind === 'rejected') return
      expect(isTerminalRun(found.state) || found.state === 'cancelling').toBe(false)
      for (const name of tunable)
        expect(decision.tuning[name]).toBe(request[name] ?? (name in request ? null : found.tuning[name]))
    },
  )

  test.prop([anyRun, anyAsk])('the changes are what is another one now, with what it was', (found, request) => {
    const decision = decideTune(found, request)
    if (decision.kind === 'rejected') return
    const changed = tunable.filter((name) => decision.tuning[name] !== found.tuning[name])
    expect(Object.keys(decision.changes).sort()).toEqual([...changed].sort())
    for (const name of changed)
      expect(decision.changes[name]).toEqual({ from: found.tuning[name], to: decision.tuning[name] })
    expect(changed).not.toHaveLength(0)
  })

  test.prop([anyRun, anyAsk])(
    'asked again of what it made, it is refused: one change, one sequence',
    (found, request) => {
      const decision = decideTune(found, request)
      if (decision.kind === 'rejected') return
      expect(decideTune({ ...found, tuning: decision.tuning }, request).kind).toBe('rejected')
    },
  )

  test.prop([anyRun, anyAsk])('a live run refuses nothing but what it is already', (found, request) => {
    if (isTerminalRun(found.state) || found.state === 'cancelling') return
    const isOther = tunable.some((name) => name in request && request[name] !== found.tuning[name])
    expect(decideTune(found, request).kind).toBe(isOther ? 'accepted' : 'rejected')
  })
})

test.each([
  [run({}, 'completed'), { weight: 2 }, 'it is completed, nothing is done for it any more'],
  [run({}, 'cancelling'), { weight: 2 }, 'it is being cancelled, which is for good'],
  [
    run({ chunkRows: 500 }),
    { chunkRows: 500, rowsPerSecond: null },
    'nothing would change, for chunkRows is 500 and rowsPerSecond is what the definition says already',
  ],
] as const)('%o refuses %o and says why', (found, settings, reason) => {
  expect(decideTune(found, ask(settings))).toEqual({ kind: 'rejected', reasons: [`tune of run ${id}: ${reason}`] })
})

test('a queued or paused run is tuned as well: it begins, or goes on, so', () => {
  for (const state of ['queued', 'planning', 'paused'] as const)
    expect(decideTune(run({}, state), ask({ priority: 5, chunkRows: 10 }))).toMatchObject({
      ...{ kind: 'accepted', tuning: { priority: 5, chunkRows: 10, weight: 1 } },
    })
})
