// Risk: rows above a run's bounds are in no run, or in two; a chain goes on that should have ended, or asks without end.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { RetryableError } from '../../src/contract/errors.ts'
import type { RequestMessageInput, StartRequest } from '../../src/contract/request.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { createChainStore } from '../../src/schedule/chain-store.ts'
import { createFollower, type FollowDeps } from '../../src/schedule/follow-runs.ts'
import { type AnsweringPlanner, answeringPlanner } from '../support/answering-planner.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

const Row = z.object({ id: z.bigint() })
const everyMs = 60_000

interface World extends ControlDatabase, AnsweringPlanner {
  /** Requests that were made, and not answered yet. */
  readonly asked: RequestMessageInput[]
  /** Minutes that have passed since it began. */
  at(minutes: number): void
  add(from: number, to: number): Promise<unknown>
  /** Lets all runs that have not ended complete, as supervisor and workers do. */
  complete(): Promise<unknown>
  /** A planner that leads; another call is another one. */
  follower(more?: Partial<FollowDeps>): () => Promise<boolean>
  answerAll(): Promise<void>
  runs(): Promise<{ id: string; follows: string | null; range: string; state: string; request_key: string }[]>
}

async function world({ follow = true, empty = false } = {}): Promise<World> {
  const database = await controlDatabase()
  const { pool, schema, rows } = database
  await rows('create table :schema.orders (id bigint primary key)')
  const backfill = defineBackfill({
    id: 'orders-v2',
    params: z.object({ region: z.string().default('eu') }),
    source: postgres.table(`${schema}.orders`, { schema: Row, key: 'id' }),
    partitionBy: partition.byKey('id', { size: 10 }),
    sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
    follow,
  })
  const planner = answeringPlanner(database, backfill)
  const asked: RequestMessageInput[] = []
  let passed = 0
  const around: World = {
    ...{ ...database, ...planner, asked },
    at: (minutes) => {
      passed = minutes
    },
    add: (from, to) =>
      rows('insert into :schema.orders select generate_series($1::bigint, $2::bigint - 1)', [from, to]),
    complete: () =>
      rows(`update :schema.run set state = 'completed', planned_at = now(), ended_at = now(), end_told = true
             where state not in ('completed', 'failed', 'cancelled')`),
    follower: (more) => {
      const follower = createFollower({
        leadership: { held: async () => true, resign: async () => {} },
        chains: createChainStore(pool, schema),
        ...{ definitions: planner.definitions, openSource: planner.openSource, everyMs, log: silentLog },
        ask: async (request) => void asked.push(request),
        now: () => new Date(Date.now() + passed * 60_000),
        ...more,
      })
      return () => follower(new AbortController().signal)
    },
    answerAll: async () => {
      for (const request of asked.splice(0)) await planner.answer(request)
    },
    runs: async () =>
      (await rows(
        `select id, follows, (range->>'from') || '-' || (range->>'to') as range, state, request_key from :schema.run order by accepted_at`,
      )) as Awaited<ReturnType<World['runs']>>,
  }
  if (!empty) await around.add(0, 25)
  return around
}

const start = (more: Partial<StartRequest> = {}): RequestMessageInput => ({
  ...{ version: 1, type: 'start', requestKey: 'orders/1', backfill: 'orders-v2' },
  ...more,
})
const types = ({ events }: World): string[] => events.map(({ type }) => type)
const reasons = ({ events }: World): readonly string[] =>
  events.flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))

test('rows above the bounds are the next run, and so on; without new rows there is none, and it looks again later', async () => {
  const around = await world()
  const look = around.follower()
  await around.answer(start())
  await around.add(25, 40)
  around.at(2)
  await look()
  expect(around.asked, 'the run is not over').toEqual([])
  await around.complete()
  await look()
  const [first] = await around.runs()
  expect(around.asked).toEqual([
    {
      ...{ version: 1, type: 'start', requestKey: `follow/${first?.id}`, backfill: 'orders-v2', params: {} },
      ...{ follows: first?.id, priority: 0, weight: 1, requestedBy: 'tidemark' },
    },
  ])
  await around.answerAll()
  await around.complete()
  const [, second] = await around.runs()
  expect(second).toMatchObject({ follows: first?.id, range: '25-40' })

  around.at(4)
  await look()
  expect(around.asked, 'no new rows').toEqual([])
  await around.add(40, 41)
  await look()
  expect(around.asked, 'too soon').toEqual([])
  around.at(6)
  await look()
  await around.answerAll()
  expect((await around.runs()).map(({ range }) => range)).toEqual(['0-25', '25-40', '40-41'])
  expect(types(around)).toEqual(['request.accepted', 'request.accepted', 'request.accepted'])
})

test('no sooner than the interval after the run before was accepted, so that a trickle makes no flood', async () => {
  const around = await world()
  await around.answer(start())
  await around.complete()
  await around.add(25, 26)
  const look = around.follower()
  await look()
  expect(around.asked).toEqual([])
  around.at(1.1)
  await look()
  expect(around.asked).toHaveLength(1)
})

test('two planners, and one that dies between asking and the next: one run follows', async () => {
  const around = await world()
  await around.answer(start())
  await around.complete()
  await around.add(25, 30)
  around.at(2)
  const dying = around.follower({
    ask: async (request) => {
      around.asked.push(request)
      throw new RetryableError('KAFKA_UNREACHABLE', 'dies here')
    },
  })
  await expect(dying()).rejects.toThrow('dies here')
  await Promise.all([around.follower()(), around.follower()()])
  expect(around.asked).toHaveLength(3)
  expect(new Set(around.asked.map((request) => JSON.stringify(request))).size).toBe(1)
  await around.answerAll()
  expect(types(around)).toEqual(['request.accepted', 'request.accepted', 'request.duplicate', 'request.duplicate'])
  expect((await around.runs()).map(({ range }) => range)).toEqual(['0-25', '25-30'])
})

test('requests of other keys for one place in a chain: one is accepted, though they come at the same time', async () => {
  const around = await world()
  await around.answer(start())
  await around.complete()
  await around.add(25, 30)
  const [first] = await around.runs()
  const follows = first?.id ?? ''
  const others = Array.from({ length: 6 }, (_, n) => ({
    planner: answeringPlanner(around, ...around.definitions.all().map(({ backfill }) => backfill)),
    request: start({ requestKey: `by-hand/${n}`, follows }),
  }))
  await Promise.all(others.map(({ planner, request }) => planner.answer(request)))
  const told = others.flatMap(({ planner }) => planner.events)
  expect(told.filter(({ type }) => type === 'request.accepted')).toHaveLength(1)
  expect(told.filter(({ type }) => type === 'request.rejected')).toHaveLength(5)
  const [, second] = await around.runs()
  expect(
    told
      .flatMap((event) => (event.type === 'request.rejected' ? event.reasons : []))
      .every((reason) => reason.includes(`run ${second?.id} does`)),
  ).toBe(true)
})

test('a chain ends with a run that fails or is cancelled, and goes on when all that failed was done again', async () => {
  const around = await world()
  const look = around.follower()
  await around.answer(start())
  await around.add(25, 30)
  await around.rows(`update :schema.run set state = 'failed', planned_at = now(), ended_at = now(), end_told = true`)
  around.at(2)
  await look()
  expect(around.asked).toEqual([])

  const [failed] = await around.runs()
  await around.rows(
    `insert into :schema.partition (run_id, index, partition_id, kind, "from", "to")
     values ($1, 0, $1, 'integer', '0', '25')`,
    [failed?.id],
  )
  await around.rows(
    `insert into :schema.ledger_partition (partition_id, run_id, backfill, index, epoch, sequence, rank, state, state_at, rows_read,
       rows_written, rows_filtered, rows_rejected, chunks, content_hash, worker, topic_partition, first_event_at, last_event_at)
     values ($1, $1, 'orders-v2', 0, 1, 1, 2, 'failed', now(), 0, 0, 0, 0, 0, 0, 'w', 0, now(), now())`,
    [failed?.id],
  )
  await around.answer({ version: 1, type: 'retry', requestKey: 'retry/1', runId: failed?.id ?? '' })
  await around.complete()
  await look()
  const [, retry] = await around.runs()
  expect(around.asked).toMatchObject([{ follows: retry?.id }])
  await around.answerAll()
  await around.rows(
    `update :schema.run set state = 'cancelled', ended_at = now(), end_told = true where state not in ('completed', 'failed')`,
  )
  around.at(60)
  await around.add(30, 40)
  await look()
  expect(around.asked, 'cancelled').toEqual([])
  expect((await around.runs()).map(({ range }) => range)).toEqual(['0-25', '0-25', '25-30'])
})

test('a newer start of the same backfill and params takes over; of other params it is another chain', async () => {
  const around = await world()
  await around.answer(start())
  await around.answer(start({ requestKey: 'orders/2' }))
  await around.answer(start({ requestKey: 'orders/3', params: { region: 'us' } }))
  await around.complete()
  await around.add(25, 30)
  around.at(2)
  await around.follower()()
  const runs = await around.runs()
  expect(around.asked).toMatchObject([{ follows: runs[1]?.id }, { follows: runs[2]?.id }])
})

test('a run is followed when its request says so, and its chain ends when the definition says so no longer', async () => {
  const asked = await world({ follow: false })
  await asked.answer(start({ follow: true }))
  await asked.answer(start({ requestKey: 'orders/2', params: { region: 'us' } }))
  await asked.complete()
  await asked.add(25, 30)
  asked.at(2)
  await asked.follower()()
  const [first] = await asked.runs()
  expect(asked.asked).toMatchObject([{ follows: first?.id, follow: true }])
  await asked.answerAll()
  expect((await asked.runs())[2]).toMatchObject({ follows: first?.id })

  const defined = await world()
  await defined.answer(start())
  await defined.answer(start({ requestKey: 'orders/2', params: { region: 'us' }, follow: false }))
  await defined.complete()
  await defined.add(25, 30)
  defined.at(2)
  const said = defined.definitions.get('orders-v2')
  const changed = { ...defined.definitions, get: () => ({ ...said, backfill: { ...said.backfill, follow: false } }) }
  await defined.follower({ definitions: changed })()
  expect(defined.asked).toEqual([])
  await defined.follower()()
  expect(defined.asked).toHaveLength(1)
})

test('a transaction that is open when the bounds are pinned is waited for, or named; one that begins later is not', async () => {
  const around = await world()
  const [slow, later] = [await around.pool.connect(), await around.pool.connect()]
  const orders = `"${around.schema}".orders`
  try {
    await slow.query(`begin; insert into ${orders} values (5000)`)
    await around.add(9_999, 10_000)
    await around.answer(start())
    expect(reasons(around)[0]).toMatch(/orders"?: process \d+ of the server wrote to it before the bounds were pinned/)
    // Without a chain, nobody asks.
    await around.answer(start({ requestKey: 'alone', follow: false }))
    expect(types(around)).toEqual(['request.rejected', 'request.accepted'])

    const lastLook = async (): Promise<number> => {
      const [row] = await around.rows(
        `select coalesce(max(extract(epoch from query_start)), 0)::float8 as at from pg_stat_activity
          where query like '%pg_partition_tree%' and pid <> pg_backend_pid()`,
      )
      return Number(row?.['at'])
    }
    const before = await lastLook()
    const answering = around.answer(start())
    const first = await eventually('the planner looks', async () =>
      (await lastLook()) > before ? lastLook() : undefined,
    )
    await eventually('it looks again', async () => ((await lastLook()) > first ? true : undefined))
    await later.query(`begin; insert into ${orders} values (10001)`)
    await slow.query('commit')
    await answering
    expect(types(around).slice(2)).toEqual(['request.accepted', 'run.queued'])
    expect((await around.runs()).at(-1)?.range).toBe('0-10000')
    await later.query('commit')
  } finally {
    slow.release(true)
    later.release(true)
  }
})

test('an empty table has no bounds: the run that follows begins where the rows do', async () => {
  const around = await world({ empty: true })
  const look = around.follower()
  await around.answer(start())
  await around.complete()
  around.at(2)
  await look()
  expect(around.asked).toEqual([])
  await around.add(-20, -5)
  around.at(4)
  await look()
  await around.answerAll()
  expect((await around.runs()).map(({ range }) => range)).toEqual(['0-0', '-20--5'])
})

test('every reason why a run cannot follow another one is told', async () => {
  const around = await world()
  await around.answer(start())
  const [first] = await around.runs()
  const follows = first?.id ?? ''
  await around.answer(start({ requestKey: 'a', follows, params: { region: 'us' } }))
  expect(reasons(around)).toEqual([
    `follows run ${follows}: it is planning; only a completed run is followed`,
    `follows run ${follows}: its params are {}, and those of the next must be the same`,
  ])
  await around.complete()
  around.events.length = 0
  await around.answer(start({ requestKey: 'b', follows }))
  expect(reasons(around)).toEqual([`follows run ${follows}: the source has no rows above 25 yet`])
  around.events.length = 0
  await around.answer(start({ requestKey: 'c', follows: 'f0000000-0000-4000-8000-000000000000' }))
  expect(reasons(around)).toEqual(['follows run f0000000-0000-4000-8000-000000000000: no such run is known'])
})

test('a source that is not what it was any more: the planner refuses for all to see, ever more rarely', async () => {
  const around = await world()
  await around.answer(start())
  await around.complete()
  await around.rows('alter table :schema.orders rename to gone')
  const look = around.follower()
  for (let minutes = 2; minutes < 32; minutes += 1) {
    around.at(minutes)
    await look()
    await around.answerAll()
  }
  expect(reasons(around)[0]).toMatch(/orders/)
  expect(types(around)).toEqual(['request.accepted', ...Array.from({ length: 5 }, () => 'request.rejected')])
})
