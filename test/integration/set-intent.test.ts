// Risk: an intent that was accepted is not in the control topic, an older one stands there in its place, or one request
// gets two answers.
import { expect, test } from 'vitest'
import type { ControlMessage } from '../../src/contract/control.ts'
import type { IntentRequest } from '../../src/contract/request.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { requestHashOf } from '../../src/plan/answer.ts'
import { createIntentStore } from '../../src/plan/intent-store.ts'
import { createRunStore } from '../../src/plan/run-store.ts'
import { type SetIntentDeps, setIntent } from '../../src/plan/set-intent.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { claimed, completed } from '../support/partition-events.ts'
import { plannedRun } from '../support/planned-run.ts'
import { silentLog } from '../support/silent-log.ts'

interface World {
  readonly database: ControlDatabase
  readonly runId: string
  readonly partitionIds: readonly string[]
  readonly control: ControlMessage[]
  readonly events: StatusEvent[]
}

async function world(state?: 'planning'): Promise<World> {
  const database = await controlDatabase()
  return { database, ...(await plannedRun(database, state)), control: [], events: [] }
}

const depsOf = ({ database: { pool, schema }, control, events }: World): SetIntentDeps => ({
  runs: createRunStore(pool, schema, 10),
  intents: createIntentStore(pool, schema),
  control: { publish: async (message) => void control.push(message), clear: async () => {} },
  status: { publish: async (some) => void events.push(...some) },
  now: () => new Date(),
  log: silentLog,
})

let offset = 0
/** A request and the record it comes in; the same object again is a redelivery. */
function asked(around: World, type: IntentRequest['type'], more: Partial<IntentRequest> = {}) {
  offset += 1
  const request: IntentRequest = { version: 1, type, requestKey: `${type}/${offset}`, runId: around.runId, ...more }
  const { requestKey } = request
  const requestHash = requestHashOf(request, Buffer.alloc(0))
  return { requestKey, requestHash, request, record: { topicPartition: 0, offset: String(offset) } }
}

const types = ({ events }: World): string[] => events.map(({ type }) => type)
const runOf = async ({ database }: World): Promise<Record<string, unknown> | undefined> =>
  (await database.rows('select state, intent, control_sequence::int as sequence, intended_by from :schema.run'))[0]
const history = ({ database }: World): Promise<Record<string, unknown>[]> =>
  database.rows(
    `select sequence::int, type, from_intent, to_intent, from_state, to_state, requested_by, reason
       from :schema.run_intent order by sequence`,
  )

test('pause, resume, cancel: state, history, control message, event and answer', async () => {
  const around = await world()
  const deps = depsOf(around)
  await setIntent(deps, asked(around, 'pause', { requestedBy: 'ana', reason: 'busy' }))
  expect(await runOf(around)).toEqual({ state: 'paused', intent: 'paused', sequence: 1, intended_by: 'ana' })
  await setIntent(deps, asked(around, 'resume'))
  await setIntent(deps, asked(around, 'cancel'))
  expect(await runOf(around)).toEqual({ state: 'cancelling', intent: 'cancelled', sequence: 3, intended_by: null })
  expect(around.control).toMatchObject([
    { sequence: 1, intent: 'paused', partitions: [], requestedBy: 'ana', reason: 'busy', backfill: 'orders-v2' },
    { sequence: 2, intent: 'running', partitions: [] },
    { sequence: 3, intent: 'cancelled', partitions: [] },
  ])
  expect(types(around)).toEqual(
    ['run.paused', 'run.resumed', 'run.cancelling'].flatMap((type) => [type, 'request.accepted']),
  )
  const none = { requested_by: null, reason: null }
  expect(await history(around)).toEqual([
    {
      ...{ sequence: 1, type: 'pause', from_intent: 'running', to_intent: 'paused' },
      ...{ from_state: 'running', to_state: 'paused', requested_by: 'ana', reason: 'busy' },
    },
    {
      ...{ sequence: 2, type: 'resume', from_intent: 'paused', to_intent: 'running' },
      ...{ from_state: 'paused', to_state: 'running', ...none },
    },
    {
      ...{ sequence: 3, type: 'cancel', from_intent: 'running', to_intent: 'cancelled' },
      ...{ from_state: 'running', to_state: 'cancelling', ...none },
    },
  ])
  await setIntent(deps, asked(around, 'resume'))
  expect(around.events.at(-1)).toMatchObject({
    type: 'request.rejected',
    reasons: [`resume of run ${around.runId}: it is being cancelled, which is for good`],
  })
})

test('the message holds the intents of all partitions, and a run that is unknown is said to be', async () => {
  const around = await world()
  const [a, b] = around.partitionIds
  const deps = depsOf(around)
  if (a === undefined || b === undefined) throw new Error('partitions')
  await setIntent(deps, asked(around, 'pause', { partitionId: a }))
  await setIntent(deps, asked(around, 'cancel', { partitionId: b }))
  await setIntent(deps, asked(around, 'resume', { partitionId: a }))
  expect(around.control.map(({ intent, partitions }) => [intent, partitions])).toEqual([
    ['running', [{ partitionId: a, intent: 'paused' }]],
    [
      'running',
      [
        { partitionId: a, intent: 'paused' },
        { partitionId: b, intent: 'cancelled' },
      ],
    ],
    ['running', [{ partitionId: b, intent: 'cancelled' }]],
  ])
  expect(around.events.slice(-2)).toMatchObject([
    { type: 'partition.resumed', partitionId: a, index: 0, sequence: 3 },
    { type: 'request.accepted' },
  ])
  const other = asked(around, 'pause', { runId: '019aa000-0000-7000-8000-000000000001' })
  await setIntent(deps, other)
  await setIntent(deps, asked(around, 'pause', { partitionId: other.request.runId }))
  const reasons = around.events.flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))
  expect(reasons).toEqual([
    `pause of run ${other.request.runId}: no such run is known`,
    `pause of partition ${other.request.runId}: run ${around.runId} has no such partition`,
  ])
})

test('a partition that the ledger knows to have ended is left as it is', async () => {
  const around = await world()
  const [first = '', second = ''] = around.partitionIds
  const events = [
    completed({ runId: around.runId, partitionId: first }),
    claimed({ runId: around.runId, partitionId: second }),
  ]
  const { pool, schema } = around.database
  const upTo = { topic: 'status', topicPartition: 0, nextOffset: '2' }
  await recordEvents(
    pool,
    schema,
    events.map((event, at) => ({ event, offset: String(at) })),
    upTo,
  )
  await setIntent(depsOf(around), asked(around, 'cancel', { partitionId: first }))
  await setIntent(depsOf(around), asked(around, 'cancel', { partitionId: second }))
  expect(types(around)).toEqual(['request.rejected', 'partition.cancelling', 'request.accepted'])
})

const steps: [string, (deps: SetIntentDeps) => SetIntentDeps][] = [
  ['before the transaction', (deps) => ({ ...deps, intents: { ...deps.intents, write: died } })],
  [
    'after the transaction',
    (deps) => ({
      ...deps,
      intents: { ...deps.intents, write: async (...given) => (await deps.intents.write(...given)) && died() },
    }),
  ],
  ['before the control message', (deps) => ({ ...deps, control: { ...deps.control, publish: died } })],
  [
    'after the control message',
    (deps) => ({
      ...deps,
      control: { ...deps.control, publish: async (message) => (await deps.control.publish(message), died()) },
    }),
  ],
  ['before the event', (deps) => ({ ...deps, status: { publish: died } })],
  [
    'before the answer',
    (deps) => ({
      ...deps,
      status: {
        publish: async (some) => (some[0]?.type === 'request.accepted' ? died() : deps.status.publish(some)),
      },
    }),
  ],
  [
    'after the answer',
    (deps) => ({
      ...deps,
      status: {
        publish: async (some) => {
          await deps.status.publish(some)
          if (some[0]?.type === 'request.accepted') await died()
        },
      },
    }),
  ],
]
const died = (): Promise<never> => Promise.reject(new Error('the process died here'))

test.each(steps)(
  'C1: a planner that dies %s: redelivered, the request has one effect and one answer',
  async (_at, wrap) => {
    const around = await world()
    const request = asked(around, 'cancel')
    await expect(setIntent(wrap(depsOf(around)), request)).rejects.toThrow('the process died here')
    await setIntent(depsOf(around), request)
    expect(await runOf(around)).toMatchObject({ state: 'cancelling', sequence: 1 })
    expect(await history(around)).toHaveLength(1)
    expect(around.control.length).toBeGreaterThan(0)
    expect(new Set(around.control.map(({ sequence, intent }) => `${sequence} ${intent}`))).toEqual(
      new Set(['1 cancelled']),
    )
    expect(new Set(types(around))).toEqual(new Set(['run.cancelling', 'request.accepted']))
  },
)

test('the same key and body in another record is a duplicate for ever; another body is refused', async () => {
  const around = await world()
  const deps = depsOf(around)
  const first = asked(around, 'pause', { requestKey: 'once' })
  await setIntent(deps, first)
  await setIntent(deps, asked(around, 'resume'))
  await setIntent(deps, asked(around, 'pause', { requestKey: 'once', requestedBy: 'somebody else' }))
  expect(await runOf(around)).toMatchObject({ state: 'running', sequence: 2 })
  expect(types(around).at(-1)).toBe('request.duplicate')
  await setIntent(deps, asked(around, 'cancel', { requestKey: 'once' }))
  expect(around.events.at(-1)).toMatchObject({ type: 'request.rejected' })
  await setIntent(deps, first)
  expect(types(around).at(-1)).toBe('request.accepted')
  expect(around.control.at(-1)).toMatchObject({ sequence: 2, intent: 'running' })
})

test('of two planners that publish at once the newest intent stands last in the topic', async () => {
  const around = await world()
  const slow = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  const deps = depsOf(around)
  let isFirst = true
  const late: SetIntentDeps = {
    ...deps,
    control: {
      ...deps.control,
      publish: async (message) => {
        if (isFirst) {
          isFirst = false
          reached.resolve()
          await slow.promise
        }
        await deps.control.publish(message)
      },
    },
  }
  const pausing = setIntent(late, asked(around, 'pause'))
  await reached.promise
  await setIntent(deps, asked(around, 'resume'))
  slow.resolve()
  await pausing
  expect(around.control.map(({ sequence }) => sequence)).toEqual([2, 1, 2])
})

test('two requests at the same moment are judged one after the other', async () => {
  const around = await world()
  await Promise.all(Array.from({ length: 6 }, () => setIntent(depsOf(around), asked(around, 'pause'))))
  expect(types(around).filter((type) => type === 'request.accepted')).toHaveLength(1)
  expect(types(around).filter((type) => type === 'request.rejected')).toHaveLength(5)
  expect(await history(around)).toHaveLength(1)
})

test('a run paused while it is being planned begins paused', async () => {
  const around = await world('planning')
  const deps = depsOf(around)
  const { runs } = { runs: createRunStore(around.database.pool, around.database.schema, 10) }
  await setIntent(deps, asked(around, 'pause'))
  expect(await runOf(around)).toMatchObject({ state: 'planning', intent: 'paused' })
  expect(await runs.planning()).toMatchObject([{ id: around.runId }])
  expect(await runs.markPlanned(around.runId, new Date())).toBe(true)
  expect(await runOf(around)).toMatchObject({ state: 'paused', intent: 'paused' })
  await setIntent(deps, asked(around, 'resume'))
  expect(await runOf(around)).toMatchObject({ state: 'running', intent: 'running' })
})

test('a run cancelled while it is being planned is planned no further', async () => {
  const around = await world('planning')
  await around.database.rows('update :schema.run set partitions = 5')
  const runs = createRunStore(around.database.pool, around.database.schema, 10)
  await setIntent(depsOf(around), asked(around, 'cancel'))
  const page = { index: 3, partitionId: around.runId, locator: null, estimatedRows: null }
  const range = { kind: 'integer', from: '30', to: '40' } as const
  expect(await runs.writePage(around.runId, 3, [{ ...page, range }])).toBe(false)
  expect(await runs.planning()).toEqual([])
  expect(await runs.markPlanned(around.runId, new Date())).toBe(false)
  expect(await runs.failPlanning(around.runId, new Date())).toBe(false)
  expect(await runOf(around)).toMatchObject({ state: 'cancelling' })
})

test('a run that waits for its target is cancelled while another has it; a planned one keeps it until its end', async () => {
  const around = await world()
  const { rows } = around.database
  const { runId: waiting } = await plannedRun(around.database, 'planning')
  await rows(`update :schema.run set state = 'queued' where id = $1`, [waiting])
  await rows(`update :schema.run set target_id = 'one', plan_cursor = 0, published = 0 where id = $1`, [waiting])
  await rows(`update :schema.run set target_id = 'one' where id = $1`, [around.runId])
  await setIntent(depsOf(around), asked(around, 'cancel', { runId: waiting }))
  await setIntent(depsOf(around), asked(around, 'cancel'))
  expect(types(around)).toEqual(['run.cancelling', 'request.accepted', 'run.cancelling', 'request.accepted'])
  const { runId: next } = await plannedRun(around.database, 'planning')
  await expect(rows(`update :schema.run set target_id = 'one' where id = $1`, [next])).rejects.toThrow(
    'run_live_target',
  )
})
