// Risk: a planner that dies between any two steps loses a request, plans it twice, or gives other ids the second time.
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { cut } from '../../src/plan/cut.ts'
import { outlinePlan } from '../../src/plan/plan-hash.ts'
import { publishOrder } from '../../src/plan/publish-order.ts'
import { createRunStore, type RunStore } from '../../src/plan/run-store.ts'
import { controlDatabase } from '../support/control-database.ts'
import { completed } from '../support/partition-events.ts'
import {
  bounds,
  crash,
  definitionsOf,
  dies,
  discovered,
  inRuns,
  planner,
  reasons,
  start,
  types,
  type Wrap,
  world,
} from '../support/planner-world.ts'

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

test('a control database that is away refuses nothing: the request comes again', async () => {
  const [database, around] = [await controlDatabase(), world()]
  const away = { ...createRunStore(database.pool, database.schema, around.liveRuns), knownRequest: async () => crash() }
  await expect(planner(database, around, (deps) => ({ ...deps, runs: away }))([start()])).rejects.toBeInstanceOf(
    RetryableError,
  )
  expect(around.events).toEqual([])
})
