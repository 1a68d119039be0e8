import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { ControlMessage, Intent } from '../../src/contract/control.ts'
import { noSettings } from '../../src/contract/settings.ts'
import { createIntents } from '../../src/work/intents.ts'

const runs = ['019aa000-0000-7000-8000-000000000001', '019aa000-0000-7000-8000-000000000002'] as const
const partitions = ['00000002-0000-4000-8000-000000000001', '00000002-0000-4000-8000-000000000002'] as const

const message = fc.record({
  version: fc.constant(1 as const),
  runId: fc.constantFrom(...runs),
  backfill: fc.constant('orders-v2'),
  sequence: fc.integer({ min: 1, max: 8 }),
  intent: fc.constantFrom<Intent[]>('running', 'paused', 'cancelled'),
  partitions: fc.subarray([...partitions]).chain((some) =>
    fc.tuple(
      ...some.map((partitionId) =>
        fc.record({
          partitionId: fc.constant(partitionId),
          intent: fc.constantFrom('paused' as const, 'cancelled' as const),
        }),
      ),
    ),
  ),
  settings: fc.option(
    fc.record({ chunkRows: fc.nat(3), maxConcurrentPartitions: fc.constant(null), rowsPerSecond: fc.nat(3) }),
    { nil: undefined },
  ),
  at: fc.constant('2026-11-23T12:00:00Z'),
})
/** One message a run and sequence, as the planner writes them. */
const history = fc.uniqueArray(message, { selector: ({ runId, sequence }) => `${runId}/${sequence}`, minLength: 1 })

const wanted = (intents: ReturnType<typeof createIntents>): Intent[] =>
  runs.flatMap((runId) => partitions.map((partitionId) => intents.of(runId, partitionId)))

test.prop([
  history.chain((told) =>
    fc.tuple(fc.constant(told), fc.shuffledSubarray([...told, ...told], { minLength: told.length * 2 })),
  ),
])('doubled and reordered messages change nothing: the highest sequence of a run holds', ([told, again]) => {
  const [straight, mixed] = [createIntents(), createIntents()]
  for (const one of [...told].sort((a, b) => a.sequence - b.sequence)) straight.apply(one as ControlMessage)
  const changes = again.filter((one) => mixed.apply(one as ControlMessage))
  expect(wanted(mixed)).toEqual(wanted(straight))
  for (const runId of runs) expect(mixed.settings(runId)).toEqual(straight.settings(runId))
  for (const runId of runs) {
    const sequences = changes.filter((one) => one.runId === runId).map(({ sequence }) => sequence)
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
  }
})

const [runId] = runs
const [a, b] = partitions
const say = (sequence: number, intent: Intent, own: ControlMessage['partitions'] = []): ControlMessage => ({
  ...{ version: 1, runId, backfill: 'orders-v2', sequence, intent, partitions: own, at: '2026-11-23T12:00:00Z' },
})

test('the stricter of what is wanted of a partition and of its run holds', () => {
  const intents = createIntents()
  expect(intents.of(runId, a)).toBe('running')
  intents.apply(say(1, 'running', [{ partitionId: a, intent: 'paused' }]))
  expect([intents.of(runId, a), intents.of(runId, b)]).toEqual(['paused', 'running'])
  intents.apply(say(2, 'paused', [{ partitionId: a, intent: 'cancelled' }]))
  expect([intents.of(runId, a), intents.of(runId, b)]).toEqual(['cancelled', 'paused'])
  intents.apply(say(3, 'cancelled', [{ partitionId: a, intent: 'paused' }]))
  expect([intents.of(runId, a), intents.of(runId, b)]).toEqual(['cancelled', 'cancelled'])
})

test('of a run that has ended nothing is wanted', () => {
  const intents = createIntents()
  intents.apply(say(5, 'paused'))
  intents.forget(runId)
  expect([intents.of(runId, a), intents.newest(runId), intents.runs()]).toEqual(['running', undefined, []])
  expect(intents.settings(runId)).toEqual(noSettings)
})

test('the settings are those of the newest message: one without any, as older planners wrote, says that there are none', () => {
  const intents = createIntents()
  const settings = { ...noSettings, chunkRows: 500 }
  expect(intents.settings(runId)).toEqual(noSettings)
  intents.apply({ ...say(2, 'running'), settings })
  intents.apply(say(1, 'running'))
  expect(intents.settings(runId)).toEqual(settings)
  intents.apply(say(3, 'paused'))
  expect(intents.settings(runId)).toEqual(noSettings)
})
