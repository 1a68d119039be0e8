// Risk: a planner that dies between any two steps loses a request, plans it twice, or gives other ids the second time.
import { randomUUID } from 'node:crypto'
import { v7 as uuidV7 } from 'uuid'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ControlMessage } from '../../src/contract/control.ts'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { writePlace } from '../../src/contract/key-place.ts'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { TaskMessage } from '../../src/contract/task.ts'
import { definitionHash, describeBackfill } from '../../src/define/describe.ts'
import type { Definitions, DiscoveredBackfill } from '../../src/define/discover.ts'
import { dryRun } from '../../src/dry-run/dry-run.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, type Limits, partition } from '../../src/index.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { createAdmissionStore } from '../../src/plan/admission-store.ts'
import { createArchiveStore } from '../../src/plan/archive-store.ts'
import { cut } from '../../src/plan/cut.ts'
import { createIntentStore } from '../../src/plan/intent-store.ts'
import { makePlans, type PlanMakerDeps } from '../../src/plan/make-plans.ts'
import { outlinePlan } from '../../src/plan/plan-hash.ts'
import { createPlanner, type PlannerDeps } from '../../src/plan/planner.ts'
import { publishOrder } from '../../src/plan/publish-order.ts'
import { publishTasks, type TaskPublisherDeps } from '../../src/plan/publish-tasks.ts'
import { createRunStore, type RunStore } from '../../src/plan/run-store.ts'
import { createTuneStore } from '../../src/plan/tune-store.ts'
import type { Sink, SinkTarget } from '../../src/sink/sink.ts'
import type { Source } from '../../src/source/source.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { handFeed } from '../support/hand-feed.ts'
import { completed, failed } from '../support/partition-events.ts'
import { silentLog } from '../support/silent-log.ts'

const Row = z.object({ id: z.string() })
const params = z.object({ from: z.int(), to: z.int(), region: z.enum(['eu', 'us']).default('eu') })

function discovered(id: string, size: number, table = 'orders_v2', limits: Limits = {}): DiscoveredBackfill {
  const backfill = defineBackfill({
    id,
    params,
    source: postgres.table('orders', { schema: Row, key: 'id' }),
    partitionBy: partition.byKey('id', { size, bounds: { from: 'from', to: 'to' } }),
    sink: postgres.upsert(table, { schema: Row, key: ['id'] }),
    limits,
  })
  return {
    backfill,
    file: '/definitions/a.ts',
    folder: '/definitions',
    hash: definitionHash(describeBackfill({ backfill })),
  }
}

function definitionsOf(...all: DiscoveredBackfill[]): Definitions {
  return {
    all: () => all,
    get: (id) => {
      const found = all.find(({ backfill }) => backfill.id === id)
      if (found === undefined) throw new TerminalError('DEFINITION_UNKNOWN', `no backfill has the id "${id}"`)
      return found
    },
  }
}

const keyList = (values: string[]): PinnedBounds => ({
  ...{ kind: 'key', columns: ['id'], values, spread: [], estimatedRows: null },
  from: writePlace({ values: values.slice(0, 1), after: false }),
  to: writePlace({ values: values.slice(-1), after: true }),
})

const targetOf = (table: string): SinkTarget => ({ id: `1/test/${table}`, name: `localhost:5432/test/${table}` })

/** What a planner reads and writes besides the control database, which is real. */
interface World {
  /** What the source has now; rows are added while a plan is being made. */
  lastKey: number
  problems: { source?: TerminalError; sink?: TerminalError }
  definitions: Definitions
  /** Open tasks of a run. */
  window: number
  liveRuns: number
  readonly control: ControlMessage[]
  readonly tasks: TaskMessage[]
  readonly events: StatusEvent[]
}

const world = (): World => ({
  lastKey: 0,
  problems: {},
  window: 1_000_000,
  liveRuns: 10,
  definitions: definitionsOf(discovered('orders-v2', 10), discovered('trips', 10)),
  control: [],
  tasks: [],
  events: [],
})

const start = (given: object = {}): object => ({
  ...{ version: 1, type: 'start', requestKey: 'orders/1', backfill: 'orders-v2', params: { from: 0, to: 100 } },
  ...given,
})

type AllDeps = PlannerDeps & PlanMakerDeps & TaskPublisherDeps
interface Wrap {
  (deps: AllDeps): AllDeps
}

/**
 * A planner process; another call is another process on the same database. What was accepted is planned and published
 * when the records that were handed over are answered. All of them lead: what they do must stand two at once.
 */
function planner(
  { pool, schema }: ControlDatabase,
  around: World,
  wrap: Wrap = (deps) => deps,
): ReturnType<typeof handFeed>['hand'] {
  const { feed, hand } = handFeed()
  const source = {
    check: async () => {
      if (around.problems.source) throw around.problems.source
    },
    pin: async (_by: unknown, asked: Record<string, unknown>): Promise<PinnedBounds> =>
      Array.isArray(asked.keys)
        ? keyList(asked.keys.map(String))
        : {
            ...{ kind: 'integer', column: 'id', estimatedRows: null },
            from: String(asked.from),
            to: String(Number(asked.to) + around.lastKey),
          },
  } as unknown as Source
  const sink = {
    check: async () => {
      if (around.problems.sink) throw around.problems.sink
    },
    buffer: () => ({}),
  } as unknown as Sink
  const deps = wrap({
    feed,
    topic: 'requests',
    groupId: 'planner',
    definitions: around.definitions,
    leadership: { held: async () => true, resign: async () => {} },
    runs: createRunStore(pool, schema, around.liveRuns),
    admission: createAdmissionStore(pool, schema, around.liveRuns),
    intents: createIntentStore(pool, schema),
    tunings: createTuneStore(pool, schema),
    archives: createArchiveStore(pool, schema),
    control: {
      publish: async (message) => void around.control.push(message),
      clear: async () => {},
    },
    tasks: { publish: async (tasks) => void around.tasks.push(...tasks) },
    status: { publish: async (events) => void around.events.push(...events) },
    openSource: () => source,
    openSink: async ({ backfill }) => ({ ...sink, target: async () => targetOf(backfill.sink.table) }),
    room: { window: around.window, batch: 500, isStalled: () => false },
    dryRun: async ({ backfill, params, reprocess = 'all' }, signal) => {
      const found = around.definitions.get(backfill)
      const runs = createRunStore(pool, schema, around.liveRuns)
      return dryRun(
        {
          source,
          sink: { ...sink, target: async () => targetOf(found.backfill.sink.table) },
          ...{ earlier: runs, liveRunOn: runs.liveRunOn, random: () => 0.5 },
        },
        found,
        { params, reprocess, lists: 'all', workers: null },
        signal,
      )
    },
    planSoon: () => {},
    publishSoon: () => {},
    now: () => new Date(),
    newRunId: () => uuidV7(),
    log: silentLog,
  })
  createPlanner(deps)
  const { signal } = new AbortController()
  return async (...given) => {
    await hand(...given)
    while (await makePlans(deps, signal).catch(isOvertaken));
    while (await publishTasks(deps, signal));
  }
}

/** Another planner was faster: to be looked at again, as the loop does. */
function isOvertaken(error: unknown): true {
  if (error instanceof RetryableError && error.code === 'OUTCOME_UNKNOWN') return true
  throw error
}

const types = (around: World): string[] => around.events.map(({ type }) => type)
const reasons = (around: World): readonly string[] =>
  around.events.flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))
const bounds = ({ from, to }: { from: string; to: string }): string => `${from}-${to}`

test('a request becomes a run, a plan and its tasks', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await planner(database, around)([start()])
  expect(types(around)).toEqual(['request.accepted', 'run.planned'])
  expect(around.tasks.toSorted((a, b) => a.index - b.index).map(({ range }) => bounds(range))).toEqual(
    Array.from({ length: 10 }, (_, i) => `${i * 10}-${i * 10 + 10}`),
  )
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId)).size).toBe(10)
  const [run] = await database.rows('select * from :schema.run')
  expect(run).toMatchObject({
    state: 'running',
    backfill: 'orders-v2',
    partitions: '10',
    plan_cursor: '10',
    params: { from: 0, to: 100 },
  })
  expect(around.events[1]).toMatchObject({
    runId: run?.id,
    planHash: run?.plan_hash,
    partitions: 10,
    range: { kind: 'integer', from: '0', to: '100' },
  })
  expect(run).toMatchObject({ published: '10' })
})

test('every reason for a refusal is told at once, and nothing is kept', async () => {
  const [database, around] = [await controlDatabase(), world()]
  around.problems = {
    source: new TerminalError('SOURCE_NOT_READABLE', 'table orders does not exist'),
    sink: new TerminalError('SINK_NOT_WRITABLE', 'two', { reasons: ['column id is missing', 'column at is missing'] }),
  }
  await planner(database, around)([start({ params: { from: 'a', til: 3 } })])
  expect(reasons(around)).toEqual([
    'params.from: Invalid input: expected number, received string, got "a"',
    'params.to: Invalid input: expected number, received undefined',
    'params: unknown field "til"',
    'table orders does not exist',
    'column id is missing',
    'column at is missing',
  ])
  expect(await database.rows('select 1 from :schema.run')).toEqual([])
  // A rejected request may be mended and sent again under its key.
  around.problems = {}
  await planner(database, around)([start()], { offset: 1 })
  expect(types(around)).toEqual(['request.rejected', 'request.accepted', 'run.planned'])
})

test.each([
  ['no JSON', 'not json', null],
  ['no request', { hello: 1 }, null],
  ['another type', start({ type: 'begin' }), 'orders/1'],
  ['an unknown backfill', start({ backfill: 'orders-v9' }), 'orders/1'],
  ['a character that Postgres cannot keep', start({ params: { note: 'a\0b' } }), null],
])('%s is answered, and what follows it is not held up', async (_what, request, requestKey) => {
  const [database, around] = [await controlDatabase(), world()]
  await planner(database, around)([request, start({ requestKey: 'next' })])
  expect(types(around)).toEqual(['request.rejected', 'request.accepted', 'run.planned'])
  expect(around.events[0]).toMatchObject({ requestKey })
})

test('the same request in another record is a duplicate, another request under its key is refused', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  await hand([start(), start({ requestedBy: 'eva' }), start({ params: { from: 0, to: 200 } })])
  expect(types(around)).toEqual(['request.accepted', 'request.duplicate', 'request.rejected', 'run.planned'])
  const [run] = await database.rows('select id from :schema.run')
  expect(around.events[1]).toMatchObject({ runId: run?.id })
  expect(reasons(around)[0]).toContain(`request key "orders/1" belongs to run ${String(run?.id)}`)
  expect(around.tasks).toHaveLength(10)
})

test('a plan that somebody looked at is made, or the request refused when it comes out otherwise by now', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  const { backfill, hash } = around.definitions.get('orders-v2')
  const pinned = { kind: 'integer', column: 'id', from: '0', to: '100', estimatedRows: null } as const
  const { planHash } = await outlinePlan(hash, pinned, cut(pinned, backfill.partitionBy), new AbortController().signal)
  const plan = { id: planHash, range: { kind: 'integer', from: '0', to: '100' }, partitions: 10 }
  around.lastKey = 20
  await hand([start({ plan })])
  expect(reasons(around)).toEqual([
    `plan ${planHash.slice(0, 12)}… of "orders-v2" is out of date: the range was 0 to 100 and is 0 to 120`,
    `plan ${planHash.slice(0, 12)}… of "orders-v2" is out of date: there were 10 partitions and are 12`,
  ])
  around.lastKey = 0
  await hand([start({ plan })], { offset: 1 })
  expect(types(around)).toEqual(['request.rejected', 'request.accepted', 'run.planned'])
})

test('a target has one live run: the next waits until that has ended', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  await hand([start(), start({ requestKey: 'trips/1', backfill: 'trips' })])
  expect(types(around)).toEqual(['request.accepted', 'request.accepted', 'run.queued', 'run.planned'])
  expect(around.events[2]).toMatchObject({ backfill: 'trips', position: 1, waitsFor: 'target' })
  await hand([])
  expect(around.tasks).toHaveLength(10)
  await database.rows(`update :schema.run set state = 'completed', ended_at = now() where state = 'running'`)
  await hand([])
  expect(types(around).slice(4)).toEqual(['run.planned'])
  expect(around.tasks).toHaveLength(20)
})

test('more runs than may be live wait, by priority; one that waits too long fails', async () => {
  const [database, around] = [await controlDatabase(), world()]
  around.liveRuns = 1
  around.definitions = definitionsOf(...['a', 'b', 'c', 'd'].map((id) => discovered(id, 10, `into_${id}`)))
  const hand = planner(database, around)
  const asked = (backfill: string, more: object = {}): object => start({ backfill, requestKey: backfill, ...more })
  await hand([asked('a'), asked('b'), asked('c', { priority: 5 }), asked('d', { expiresAt: '2020-01-01T00:00:00Z' })])
  const waiting = around.events.flatMap((event) =>
    event.type === 'run.queued' ? [[event.backfill, event.position, event.waitsFor]] : [],
  )
  // The expired one is not counted: it ends before anybody is let in.
  expect(waiting).toEqual([
    ['b', 1, 'room'],
    ['c', 1, 'room'],
  ])
  expect(around.events.find(({ type }) => type === 'run.failed')).toMatchObject({
    backfill: 'd',
    reason: 'it waited in the queue until 2020-01-01T00:00:00.000Z, when it was to expire',
  })
  const end = (): Promise<unknown> =>
    database.rows(`update :schema.run set state = 'completed', ended_at = now() where state = 'running'`)
  const planned = (): string[] =>
    around.events.flatMap((event) => (event.type === 'run.planned' ? [event.backfill] : []))
  expect(planned()).toEqual(['a'])
  await end()
  await hand([])
  await end()
  await hand([])
  expect(planned()).toEqual(['a', 'c', 'b'])
})

const crash = (): never => {
  throw new RetryableError('KAFKA_UNREACHABLE', 'the process died here')
}
/** Dies when the method is called for the nth time: before it acted, or after. */
function dies<Port extends object>(port: Port, method: keyof Port, when: 'before' | 'after', nth = 1): Port {
  let calls = 0
  const act = port[method] as (...given: unknown[]) => Promise<unknown>
  const dying = async (...given: unknown[]): Promise<unknown> => {
    calls += 1
    if (calls === nth && when === 'before') crash()
    const result = await act(...given)
    if (calls === nth && when === 'after') crash()
    return result
  }
  return { ...port, [method]: dying }
}
const inRuns =
  (method: keyof RunStore, when: 'before' | 'after', nth?: number): Wrap =>
  (deps) => ({ ...deps, runs: dies(deps.runs, method, when, nth) })

const crashes: [string, Wrap][] = [
  ['R2, before the run is stored', inRuns('accept', 'before')],
  ['R3, the run stored, no partitions', inRuns('accept', 'after')],
  ['the answer not told', (deps) => ({ ...deps, status: dies(deps.status, 'publish', 'before') })],
  ['R4, before the first page', inRuns('writePage', 'before')],
  ['R4, after the first page', inRuns('writePage', 'after')],
  ['R4, before the second page', inRuns('writePage', 'before', 2)],
  ['R4, after the last page', inRuns('writePage', 'after', 3)],
  ['R5, some tasks produced', (deps) => ({ ...deps, tasks: dies(deps.tasks, 'publish', 'before', 4) })],
  ['R6, tasks produced, not marked', inRuns('markPublished', 'before', 3)],
  ['R6, tasks marked', inRuns('markPublished', 'after', 25)],
  ['the run not running', inRuns('markPlanned', 'before')],
  ['R7, the run running, its planner not awake', inRuns('markPlanned', 'after')],
  [
    'R7, run.planned sent, the run not running',
    (deps) => ({ ...deps, status: dies(deps.status, 'publish', 'after', 2) }),
  ],
]

test.each(crashes)('a planner that dies at %s: the next goes on with the same bounds and ids', async (_where, wrap) => {
  const [database, around] = [await controlDatabase(), world()]
  const request = start({ params: { from: 0, to: 125_000 } })
  await expect(planner(database, around, wrap)([request])).rejects.toThrow('the process died here')
  const [pinned] = await database.rows('select id, bounds, plan_hash from :schema.run')
  // The source grows meanwhile: a run that was accepted keeps its bounds.
  around.lastKey = pinned === undefined ? 0 : 1_000
  await planner(database, around)([request])

  const runs = await database.rows('select id, bounds, plan_hash, state, plan_cursor, published from :schema.run')
  expect(runs).toMatchObject([{ state: 'running', plan_cursor: '12500', published: '12500', ...pinned }])
  const stored = await database.rows(
    `select count(*)::int as partitions, count(distinct "from")::int as ranges,
            min("from"::int) as first, max("to"::int) as last, sum("to"::int - "from"::int)::int as keys from :schema.partition`,
  )
  expect(stored).toEqual([{ partitions: 12_500, ranges: 12_500, first: 0, last: 125_000, keys: 125_000 }])
  const ids = await database.rows('select partition_id from :schema.partition')
  const known = new Set(ids.map(({ partition_id }) => partition_id))
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId))).toEqual(known)
  expect(around.tasks.length).toBeLessThanOrEqual(13_000)
  expect(new Set(types(around))).toEqual(new Set(['request.accepted', 'run.planned']))
  const told = around.events.map((event) => ('runId' in event ? event.runId : ''))
  expect(new Set(told)).toEqual(new Set([runs[0]?.id]))
})

test('R8: two planners that get the same request at once make one plan', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const request = start({ params: { from: 0, to: 200_000 } })
  const results = await Promise.allSettled([
    planner(database, around)([request]),
    planner(database, around)([request], { topicPartition: 1 }),
  ])
  // The loser of a page is told to come again, as a feed would.
  for (const { status } of results)
    if (status === 'rejected') await planner(database, around)([request], { topicPartition: 1 })
  expect(await database.rows('select state from :schema.run')).toEqual([{ state: 'running' }])
  expect(
    await database.rows('select count(*)::int as n, count(distinct index)::int as d from :schema.partition'),
  ).toEqual([{ n: 20_000, d: 20_000 }])
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId)).size).toBe(20_000)
  expect(types(around)).toContain('request.duplicate')
})

test('R8: a planner that looked just before another one accepted the same request finds its run', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await planner(database, around)([start()])
  let looks = 0
  const early: Wrap = (deps) => {
    const knownRequest: RunStore['knownRequest'] = async (key) => (looks++ === 0 ? null : deps.runs.knownRequest(key))
    return { ...deps, runs: { ...deps.runs, knownRequest } }
  }
  await planner(database, around, early)([start()], { topicPartition: 1 })
  expect(types(around)).toEqual(['request.accepted', 'run.planned', 'request.duplicate'])
})

test('runs for one target, accepted at once: one begins, the others wait', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await Promise.all(
    ['a', 'b', 'c', 'd'].map((requestKey, topicPartition) =>
      planner(database, around)([start({ requestKey })], { topicPartition }),
    ),
  )
  expect(types(around).filter((type) => type === 'request.accepted')).toHaveLength(4)
  expect(types(around).filter((type) => type === 'run.queued')).toHaveLength(3)
  expect(
    await database.rows('select state, count(*)::int as n from :schema.run group by state order by state'),
  ).toEqual([
    { state: 'queued', n: 3 },
    { state: 'running', n: 1 },
  ])
})

test('a definition that was changed while its run was being planned ends the run, and frees the target', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await expect(planner(database, around, inRuns('accept', 'after'))([start()])).rejects.toThrow()
  around.definitions = definitionsOf(discovered('orders-v2', 20))
  const hand = planner(database, around)
  await hand([start()])
  await hand([start({ requestKey: randomUUID() })], { offset: 1 })
  expect(types(around)).toEqual(['request.accepted', 'run.failed', 'request.accepted', 'run.planned'])
  expect(around.events[1]).toMatchObject({ reason: expect.stringContaining('was changed while run') })
})

test('tasks are published in a window, neighbours far apart, and more as tasks end', async () => {
  const [database, around] = [await controlDatabase(), world()]
  around.window = 20
  const hand = planner(database, around)
  await hand([start({ params: { from: 0, to: 1_000 } })])
  expect(around.tasks).toHaveLength(20)
  const places = around.tasks.map(({ index }) => index)
  for (const [at, index] of places.entries())
    if (at > 0) expect(Math.abs(index - (places[at - 1] ?? 0))).toBeGreaterThan(30)
  const ended = around.tasks
    .slice(0, 7)
    .map(({ partitionId, runId, index }) => completed({ partitionId, runId, index }))
  const placed = ended.map((event, at) => ({ event, offset: String(at) }))
  const upTo = { topic: 'status', topicPartition: 0, nextOffset: String(placed.length) }
  await recordEvents(database.pool, database.schema, placed, upTo)
  await hand([])
  expect(around.tasks).toHaveLength(27)
  await database.rows(`update :schema.run set state = 'paused', intent = 'paused'`)
  await hand([])
  expect(around.tasks).toHaveLength(27)
})

test('of a run no more tasks are open than its definition says, or what it was tuned to', async () => {
  const [database, around] = [await controlDatabase(), world()]
  around.definitions = definitionsOf(discovered('orders-v2', 10, 'orders_v2', { maxConcurrentPartitions: 2 }))
  const hand = planner(database, around)
  await hand([start({ params: { from: 0, to: 200 } })])
  expect(around.tasks).toHaveLength(2)
  const runId = around.tasks[0]?.runId ?? ''
  const tune = (n: number, maxConcurrentPartitions: number | null): object => ({
    ...{ version: 1, type: 'tune', requestKey: `tune/${n}`, runId, maxConcurrentPartitions },
  })
  await hand([tune(1, 5)], { offset: 1 })
  expect(around.tasks).toHaveLength(5)
  const end = async (from: number, to: number): Promise<void> => {
    const events = around.tasks
      .slice(from, to)
      .map(({ partitionId, index }) => completed({ partitionId, runId, index }))
    const placed = events.map((event, at) => ({ event, offset: String(from + at) }))
    const upTo = { topic: 'status', topicPartition: 0, nextOffset: String(to) }
    await recordEvents(database.pool, database.schema, placed, upTo)
  }
  // Those that are open end first.
  await hand([tune(2, 1)], { offset: 2 })
  await end(0, 4)
  await hand([])
  expect(around.tasks).toHaveLength(5)
  await end(4, 5)
  await hand([])
  expect(around.tasks).toHaveLength(6)
  // What is cancelled before its task is published makes no room.
  const index = publishOrder(20).indexAt(19)
  const [row] = await database.rows('select partition_id from :schema.partition where index = $1', [index])
  const of = { partitionId: String(row?.['partition_id']), runId, index, epoch: 0 }
  const event: StatusEvent = { ...completed(of), type: 'partition.cancelled' }
  const upTo = { topic: 'status', topicPartition: 0, nextOffset: '6' }
  await recordEvents(database.pool, database.schema, [{ event, offset: '5' }], upTo)
  await hand([])
  expect(around.tasks).toHaveLength(6)
  await hand([tune(3, null)], { offset: 3 })
  expect(around.tasks).toHaveLength(7)
  expect(types(around).filter((type) => type === 'run.tuned')).toHaveLength(3)
})

/** The run ends, with the partitions of these indexes failed. */
async function endWith(database: ControlDatabase, around: World, failedAt: readonly number[]): Promise<string> {
  const [run] = await database.rows(`select id from :schema.run where state = 'running'`)
  const runId = String(run?.id)
  const ends = around.tasks
    .filter((task) => task.runId === runId)
    .map(({ partitionId, index }) => {
      const of = { partitionId, runId, index }
      return failedAt.includes(index) ? failed({ ...of, reason: 'ROW_INVALID', message: 'bad' }) : completed(of)
    })
  const placed = ends.map((event, at) => ({ event, offset: String(at) }))
  await recordEvents(database.pool, database.schema, placed, { topic: runId, topicPartition: 0, nextOffset: '1' })
  await database.rows(`update :schema.run set state = 'failed', ended_at = now() where id = '${runId}'`)
  return runId
}
const retry = (runId: string, given: object = {}): object => ({
  ...{ version: 1, type: 'retry', requestKey: `retry/${runId}`, runId },
  ...given,
})

test('what failed in a run is done again by a run of its own, with the same bounds, planned the same after a crash', async () => {
  const [database, around] = [await controlDatabase(), world()]
  await planner(database, around)([start({ priority: 3 })])
  const runId = await endWith(database, around, [2, 7, 9])
  // The source has grown since: what failed is done again, and not more.
  around.lastKey = 500
  await expect(
    planner(database, around, inRuns('writePage', 'before'))([retry(runId)], { offset: 1 }),
  ).rejects.toThrow()
  await planner(database, around)([retry(runId)], { offset: 1 })
  const again = around.tasks.slice(10).toSorted((a, b) => a.index - b.index)
  expect(again.map(({ index, range }) => [index, bounds(range)])).toEqual([
    [0, '20-30'],
    [1, '70-80'],
    [2, '90-100'],
  ])
  expect(new Set(around.tasks.map(({ partitionId }) => partitionId)).size).toBe(13)
  const [stored] = await database.rows(
    'select retry_of, priority, params, partitions from :schema.run where retry_of is not null',
  )
  expect(stored).toEqual({ retry_of: runId, priority: '3', params: { from: 0, to: 100 }, partitions: '3' })
  const second = await endWith(database, around, [1])
  await planner(database, around)([retry(second)], { offset: 2 })
  expect(around.tasks.slice(13).map(({ range }) => bounds(range))).toEqual(['70-80'])
})

test('a partition that is named is done again; what cannot be is told with every reason', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  await hand([start()])
  const [first] = around.tasks
  const idAt = (index: number): string => around.tasks.find((task) => task.index === index)?.partitionId ?? ''
  await hand([retry(first?.runId ?? '', { requestKey: 'early' })], { offset: 1 })
  const runId = await endWith(database, around, [4, 5])
  const unknown = uuidV7()
  await hand([retry(runId, { requestKey: 'wrong', partitionIds: [idAt(4), idAt(6), unknown] })], { offset: 2 })
  await hand([retry(unknown, { requestKey: 'nobody' })], { offset: 3 })
  expect(reasons(around)).toEqual([
    `retry of run ${runId}: it is running; what failed in it can be done again when it has ended`,
    `retry of partition ${idAt(6)}: it is completed, there is nothing to do again`,
    `retry of partition ${unknown}: run ${runId} has no such partition`,
    `retry of run ${unknown}: no such run is known`,
  ])
  await hand([retry(runId, { requestKey: 'right', partitionIds: [idAt(5)] })], { offset: 4 })
  expect(around.tasks.slice(10).map(({ range }) => bounds(range))).toEqual(['50-60'])
  const again = await endWith(database, around, [])
  await hand([retry(again, { requestKey: 'none' })], { offset: 5 })
  expect(reasons(around).at(-1)).toBe(`retry of run ${again}: it is failed, and no partition of it failed`)
})

test('ranges, keys and partitions with rejected rows of a run are done again, and belong to it', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  let offset = 0
  const ask = async (runId: string, given: object): Promise<string[]> => {
    const before = around.tasks.length
    offset += 1
    await hand([retry(runId, { requestKey: JSON.stringify(given), ...given })], { offset })
    return around.tasks
      .slice(before)
      .toSorted((a, b) => a.index - b.index)
      .map(({ range }) => bounds(range))
  }
  await hand([start()])
  const runId = await endWith(database, around, [])
  const first = around.tasks[0]
  if (first === undefined) throw new Error('there is no task')
  const ranges = [
    { from: '25', to: '41' },
    { from: '90', to: '95' },
    { from: '38', to: '45' },
  ]
  expect(await ask(runId, { ranges })).toEqual(['25-30', '30-40', '40-45', '90-95'])
  await endWith(database, around, [])
  expect(await ask(runId, { rejected: true })).toEqual([])
  await database.rows('update :schema.ledger_partition set rows_rejected = 2 where partition_id = $1', [
    first.partitionId,
  ])
  expect(await ask(runId, { rejected: true })).toEqual([bounds(first.range)])
  await endWith(database, around, [])
  expect(await ask(runId, { keys: ['a', 'b', 'c'] })).toEqual(['["a"]-after ["c"]'])
  const wrong = [
    { from: '25', to: 'x' },
    { from: '50', to: '40' },
    { from: '90', to: '101' },
  ]
  expect(await ask(runId, { ranges: wrong })).toEqual([])
  expect(await ask(runId, { ranges, rejected: true })).toEqual([])
  expect(reasons(around)).toEqual([
    `retry of run ${runId}: it is failed, and no partition of it has rejected rows`,
    'ranges[0].to is "x": "x" is not a whole number',
    'ranges[1] is from "50" to "40": from must be below to',
    'ranges[2].to is "101": the run is from 0 to 100',
    'it may name one of partitionIds, rejected, ranges, keys, not several',
  ])
  const stored = await database.rows('select retry_what from :schema.run where retry_of = $1 order by accepted_at', [
    runId,
  ])
  expect(stored.map(({ retry_what }) => retry_what)).toEqual(['cut', 'rejected', 'cut'])
})

test('a new request does only what earlier runs left, or what failed in them', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  const ask = async (requestKey: string, given: object): Promise<string[]> => {
    const before = around.tasks.length
    await hand([start({ requestKey, ...given })], { offset: before + 1 })
    return around.tasks
      .slice(before)
      .toSorted((a, b) => a.index - b.index)
      .map(({ index, range }) => `${index}: ${bounds(range)}`)
  }
  await hand([start()])
  const first = String((await database.rows('select id from :schema.run'))[0]?.id)
  expect(await ask('early', { reprocess: 'missing' })).toEqual([])
  await endWith(database, around, [2, 7])
  // The source has grown: what came in is missing, what failed is no more than it was.
  around.lastKey = 15
  expect(await ask('failed', { reprocess: 'failed' })).toEqual(['0: 20-30', '1: 70-80'])
  const second = await endWith(database, around, [1])
  expect(await ask('missing', { reprocess: 'missing' })).toEqual(['0: 70-80', '1: 100-110', '2: 110-115'])
  const [stored] = await database.rows(
    `select partitions, bounds->'only' as only from :schema.run where request_key = 'missing'`,
  )
  expect(stored).toEqual({
    partitions: '3',
    only: [
      { from: '70', to: '80' },
      { from: '100', to: '115' },
    ],
  })
  const third = await endWith(database, around, [])
  expect(await ask('nothing', { reprocess: 'failed' })).toEqual([])
  expect(await ask('all done', { reprocess: 'missing' })).toEqual([])
  expect(reasons(around)).toEqual([
    `reprocess "missing": run ${first} still works on the domain: ask again when it has ended`,
    `reprocess "failed": nothing of 0 to 115 failed: run ${first} and 2 more have it`,
    `reprocess "missing": nothing of 0 to 115 is missing: run ${first} and 2 more have it`,
  ])
  expect(new Set([first, second, third]).size).toBe(3)
  // Other params are other work, but for the bounds; another backfill and another target have a history of their own.
  expect(await ask('us', { reprocess: 'missing', params: { from: 0, to: 5, region: 'us' } })).toEqual([
    '0: 0-10',
    '1: 10-20',
  ])
  await endWith(database, around, [])
  expect(await ask('trips', { reprocess: 'missing', backfill: 'trips', params: { from: 0, to: 5 } })).toHaveLength(2)
})

test('a dry run tells what the request would do, each time as it is then, and keeps nothing', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const hand = planner(database, around)
  const dry = (given: object = {}): object => start({ requestKey: 'dry', dryRun: true, ...given })
  const told = (): unknown[] =>
    around.events.flatMap((event) =>
      event.type === 'request.reported'
        ? [[event.requestKey, event.report.listed.map(bounds), event.report.selection]]
        : [],
    )
  await hand([dry({ params: { from: 0, to: 20 } })])
  expect(types(around)).toEqual(['request.reported'])
  expect(told()).toEqual([['dry', ['0-10', '10-20'], null]])
  expect(await database.rows('select from :schema.run')).toEqual([])
  // Its key is free.
  await hand([start({ requestKey: 'dry', params: { from: 0, to: 20 } })], { offset: 1 })
  expect(types(around).slice(1)).toEqual(['request.accepted', 'run.planned'])
  const runId = await endWith(database, around, [1])
  await hand([dry({ params: { from: 0, to: 30 }, reprocess: 'failed' })], { offset: 2 })
  expect(told()[1]).toEqual([
    'dry',
    ['10-20'],
    {
      reprocess: 'failed',
      leftOut: [
        { from: '0', to: '10', why: 'completed', runId },
        { from: '20', to: '30', why: 'never tried', runId: null },
      ],
      leftOutRanges: 2,
      ignoredRuns: 0,
    },
  ])
  await hand([dry({ params: { from: 'a' } }), dry({ follow: true })], { offset: 3 })
  expect(reasons(around)).toEqual([
    'params.from: Invalid input: expected number, received string, got "a"',
    'params.to: Invalid input: expected number, received undefined',
    'follow: a dry run takes none',
  ])
  expect(around.tasks).toHaveLength(2)
})

test('of two requests for what is missing that come at once, one does it', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const ask = (requestKey: string): object => start({ requestKey, reprocess: 'missing' })
  await Promise.all([
    planner(database, around)([ask('one')], { topicPartition: 0 }),
    planner(database, around)([ask('two')], { topicPartition: 1 }),
  ])
  expect(around.tasks).toHaveLength(10)
  const [run] = await database.rows('select id from :schema.run')
  expect(reasons(around)).toEqual([
    `reprocess "missing": run ${String(run?.id)} still works on the domain: ask again when it has ended`,
  ])
})

test('a control database that is away refuses nothing: the request comes again', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const away = { ...createRunStore(database.pool, database.schema, around.liveRuns), knownRequest: async () => crash() }
  await expect(planner(database, around, (deps) => ({ ...deps, runs: away }))([start()])).rejects.toBeInstanceOf(
    RetryableError,
  )
  expect(around.events).toEqual([])
})
