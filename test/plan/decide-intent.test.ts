import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type Intent, mostPartitionIntents, type PartitionIntent } from '../../src/contract/control.ts'
import type { IntentRequest } from '../../src/contract/request.ts'
import { canMove, isTerminalRun, RunState } from '../../src/contract/states.ts'
import { decideIntent, type IntendedRun } from '../../src/plan/decide-intent.ts'

const id = '019aa000-0000-7000-8000-000000000001'
const partitionId = '5b0c9a3e-2f7d-5c1b-9e4a-6d1f0a2b3c4d'
const run = (given: Partial<IntendedRun> = {}): IntendedRun => ({
  ...{ id, state: 'running', intent: 'running', partition: null, partitionIntents: 0 },
  ...given,
})
const ask = (type: IntentRequest['type'], of?: string): IntentRequest => ({
  ...{ version: 1, type, requestKey: 'k', runId: id },
  ...(of === undefined ? {} : { partitionId: of }),
})

const intentIn = (state: RunState): fc.Arbitrary<Intent> =>
  state === 'cancelling' || state === 'cancelled'
    ? fc.constant('cancelled')
    : state === 'paused'
      ? fc.constant('paused')
      : state === 'planning'
        ? fc.constantFrom<Intent>('running', 'paused')
        : fc.constant('running')
const anyRun = fc.constantFrom(...RunState.options).chain((state) =>
  fc.record({
    ...{ id: fc.constant(id), state: fc.constant(state), intent: intentIn(state) },
    partition: fc
      .constantFrom<(PartitionIntent['intent'] | null)[]>(null, 'paused', 'cancelled')
      .chain((intent) => fc.constantFrom(null, 'completed' as const).map((ended) => ({ intent, ended }))),
    partitionIntents: fc.constantFrom(1, mostPartitionIntents),
  }),
)
const anyAsk = fc
  .record({ type: fc.constantFrom<IntentRequest['type'][]>('pause', 'resume', 'cancel'), one: fc.boolean() })
  .map(({ type, one }) => ask(type, one ? partitionId : undefined))

describe('whatever is asked of whatever run', () => {
  test.prop([anyRun, anyAsk])('a run moves as the table says, or stays where it is', (found, request) => {
    const decision = decideIntent(found, request)
    if (decision.kind === 'rejected') return
    expect(decision.state === found.state || canMove(found.state, decision.state)).toBe(true)
    expect(isTerminalRun(found.state)).toBe(false)
    // What is asked again of what it made is refused: one change, one sequence.
    const after = { ...found, ...decision, partition: { intent: decision.partitionIntent, ended: null } }
    expect(decideIntent(after, request).kind).toBe('rejected')
  })

  test.prop([anyRun, anyAsk])(
    'a refusal has one reason, which names the request and the run or partition',
    (found, request) => {
      const decision = decideIntent(found, request)
      if (decision.kind === 'accepted') return
      expect(decision.reasons).toHaveLength(1)
      expect(decision.reasons[0]).toMatch(new RegExp(`^${request.type} of (run ${id}|partition ${partitionId}): `))
    },
  )

  test.prop([anyRun, anyAsk])('what is wanted of a partition leaves its run alone', (found, request) => {
    const decision = decideIntent(found, request)
    if (decision.kind === 'accepted' && request.partitionId !== undefined)
      expect(decision).toMatchObject({ state: found.state, intent: found.intent })
  })
})

test.each([
  ['pause', 'running', 'paused', 'paused'],
  ['pause', 'planning', 'planning', 'paused'],
  ['cancel', 'planning', 'cancelling', 'cancelled'],
  ['cancel', 'running', 'cancelling', 'cancelled'],
] as const)('%s of a run that is %s makes it %s', (type, state, next, intent) => {
  expect(decideIntent(run({ state }), ask(type))).toMatchObject({ kind: 'accepted', state: next, intent })
})

test.each([
  [run(), 'resume', 'it is running, only a paused run can be resumed'],
  [run({ state: 'paused', intent: 'paused' }), 'pause', 'it is paused already (state paused)'],
  [run({ state: 'completed' }), 'cancel', 'it is completed, nothing is done for it any more'],
  [run({ state: 'cancelling', intent: 'cancelled' }), 'pause', 'it is being cancelled, which is for good'],
] as const)('%o refuses %s and says in which state it is', (found, type, reason) => {
  expect(decideIntent(found, ask(type))).toEqual({ kind: 'rejected', reasons: [`${type} of run ${id}: ${reason}`] })
})

test('a partition can be resumed while its run is paused, and goes on with the run', () => {
  const paused = run({
    state: 'paused',
    intent: 'paused',
    partition: { intent: 'paused', ended: null },
    partitionIntents: 1,
  })
  expect(decideIntent(paused, ask('resume', partitionId))).toEqual({
    ...{ kind: 'accepted', state: 'paused', intent: 'paused', partitionIntent: null },
  })
})

test('more intents of partitions than a message can list are refused', () => {
  const full = run({ partition: { intent: null, ended: null }, partitionIntents: mostPartitionIntents })
  expect(decideIntent(full, ask('pause', partitionId))).toMatchObject({ kind: 'rejected' })
})

test('of a partition that has ended nothing is wanted any more', () => {
  const done = run({ partition: { intent: null, ended: 'completed' } })
  expect(decideIntent(done, ask('cancel', partitionId))).toEqual({
    kind: 'rejected',
    reasons: [`cancel of partition ${partitionId}: it is completed, nothing is done for it any more`],
  })
})
