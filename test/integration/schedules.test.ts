// Risk: a run that is due is made twice or never, or what a downtime left out is told to nobody.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { RetryableError } from '../../src/contract/errors.ts'
import type { RequestMessageInput } from '../../src/contract/request.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { type KeepSchedulesDeps, keepSchedules } from '../../src/schedule/keep-schedules.ts'
import { listSchedules } from '../../src/schedule/list-schedules.ts'
import { createScheduleStore } from '../../src/schedule/schedule-store.ts'
import { type AnsweringPlanner, answeringPlanner } from '../support/answering-planner.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { silentLog } from '../support/silent-log.ts'

const Row = z.object({ id: z.bigint() })

interface World extends ControlDatabase, AnsweringPlanner {
  readonly asked: RequestMessageInput[]
  readonly told: StatusEvent[]
  at(time: string): void
  now(): Date
  /** A planner that leads; each looks once. */
  look(more?: Partial<KeepSchedulesDeps>): Promise<boolean>
  answerAll(): Promise<void>
}

const nightly = { every: '0 3 * * *', timezone: 'Europe/Berlin' }

async function world(schedule: { every: string; timezone?: string; catchUp?: number } = nightly): Promise<World> {
  const database = await controlDatabase()
  const { pool, schema, rows } = database
  await rows('create table :schema.orders (id bigint primary key)')
  const planner = answeringPlanner(
    database,
    defineBackfill({
      id: 'orders-v2',
      params: z.object({ region: z.enum(['eu', 'us']).default('eu') }),
      source: postgres.table(`${schema}.orders`, { schema: Row, key: 'id' }),
      partitionBy: partition.byKey('id', { size: 10 }),
      sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
      schedule,
    }),
  )
  const [asked, told]: [RequestMessageInput[], StatusEvent[]] = [[], []]
  let time = '2026-05-01T12:00:00Z'
  const around: World = {
    ...{ ...database, ...planner, asked, told },
    at: (given) => {
      time = given
    },
    now: () => new Date(time),
    look: (more) =>
      keepSchedules(
        {
          leadership: { held: async () => true, resign: async () => {} },
          schedules: createScheduleStore(pool, schema),
          definitions: planner.definitions,
          status: { publish: async (events) => void told.push(...events) },
          ask: async (request) => void asked.push(request),
          now: around.now,
          log: silentLog,
          ...more,
        },
        new AbortController().signal,
      ),
    answerAll: async () => {
      for (const request of asked.splice(0)) await planner.answer(request)
    },
  }
  return around
}

const keys = ({ asked }: World): string[] => asked.map(({ requestKey }) => requestKey)
const keyOf = (time: string): string => `schedule/orders-v2/${time}`

test('begins when it is first seen; each due time is asked for once, however often one looks', async () => {
  const around = await world()
  await around.look()
  expect(around.asked, 'nothing of before').toEqual([])
  for (const now of ['2026-05-02T00:59:59Z', '2026-05-02T01:00:00Z', '2026-05-02T01:00:01Z', '2026-05-03T00:30:00Z']) {
    around.at(now)
    await around.look()
  }
  expect(around.asked).toEqual([
    {
      ...{ version: 1, type: 'start', requestKey: keyOf('2026-05-02T01:00:00.000Z'), backfill: 'orders-v2' },
      ...{ params: {}, requestedBy: 'tidemark' },
    },
  ])
  await around.answerAll()
  expect(around.events).toMatchObject([{ type: 'request.accepted' }])
})

test('two planners that look at the same time, many times: one request a due time, so one run', async () => {
  const around = await world({ every: '0 * * * *', catchUp: 2 })
  await around.look()
  for (let hour = 13; hour < 23; hour += 1) {
    around.at(`2026-05-01T${hour}:00:00Z`)
    await Promise.all([around.look(), around.look(), around.look()])
  }
  expect(new Set(keys(around)).size).toBe(10)
  await around.answerAll()
  const runs = await around.rows('select request_key from :schema.run order by request_key')
  expect(runs.map((run) => run['request_key'])).toEqual(
    Array.from({ length: 10 }, (_, n) => keyOf(`2026-05-01T${n + 13}:00:00.000Z`)),
  )
  expect(new Set(around.events.map(({ type }) => type))).not.toContain('request.rejected')
})

test('after a downtime the latest ones are made up for, the others told as skipped', async () => {
  const around = await world({ ...nightly, catchUp: 2 })
  await around.look()
  around.at('2026-05-07T12:00:00Z')
  await around.look()
  expect(keys(around)).toEqual([keyOf('2026-05-06T01:00:00.000Z'), keyOf('2026-05-07T01:00:00.000Z')])
  expect(around.told).toEqual([
    {
      ...{ version: 1, type: 'schedule.skipped', backfill: 'orders-v2', at: '2026-05-07T12:00:00.000Z', times: 4 },
      ...{ from: '2026-05-02T01:00:00.000Z', to: '2026-05-05T01:00:00.000Z' },
    },
  ])
})

test.each(['before it asks', 'after it has asked'])(
  'a planner that dies %s: what it had decided is done, not decided anew',
  async (when) => {
    const around = await world()
    await around.look()
    around.at('2026-05-03T12:00:00Z')
    const dying = around.look({
      ask: async (request) => {
        if (when === 'after it has asked') around.asked.push(request)
        throw new RetryableError('KAFKA_UNREACHABLE', 'dies here')
      },
    })
    await expect(dying).rejects.toThrow('dies here')
    // Another one comes when the next is due: the first is not skipped, though only one may be made up for.
    around.at('2026-05-04T12:00:00Z')
    await around.look()
    await around.look()
    expect([...new Set(keys(around))]).toEqual([keyOf('2026-05-03T01:00:00.000Z'), keyOf('2026-05-04T01:00:00.000Z')])
    await around.answerAll()
    expect(await around.rows('select count(*)::int as runs from :schema.run')).toEqual([{ runs: 2 }])
    const skipped = around.told.filter(({ type }) => type === 'schedule.skipped')
    expect(skipped.every((event) => 'from' in event && event.from === '2026-05-02T01:00:00.000Z')).toBe(true)
    expect(skipped).not.toHaveLength(0)
  },
)

test('one that was changed begins anew; a clock that was set back asks for nothing again', async () => {
  const around = await world()
  await around.look()
  around.at('2026-05-02T01:00:00Z')
  await around.look()
  around.at('2026-05-01T20:00:00Z')
  await around.look()
  around.at('2026-05-02T01:00:30Z')
  await around.look()
  expect(around.asked).toHaveLength(1)
  const [{ backfill }] = around.definitions.all() as [{ backfill: object }, ...object[]] &
    readonly { backfill: object }[]
  const hourly = { ...backfill, schedule: { every: '30 * * * *', timezone: 'UTC', params: {}, catchUp: 5 } }
  const definitions = { ...around.definitions, all: () => [{ backfill: hourly }] as never }
  around.at('2026-05-03T12:45:00Z')
  await around.look({ definitions })
  expect(around.asked).toHaveLength(1)
  around.at('2026-05-03T13:31:00Z')
  await around.look({ definitions })
  expect(keys(around)[1]).toBe(keyOf('2026-05-03T13:30:00.000Z'))
})

test('one whose request cannot be made holds up no other', async () => {
  const around = await world()
  const [first] = around.definitions.all()
  if (first === undefined) throw new Error('no definition')
  const other = { ...first, backfill: { ...first.backfill, id: 'trips' } }
  const deps = {
    definitions: { ...around.definitions, all: () => [first, other] },
    ask: async (request: RequestMessageInput) => {
      if ('backfill' in request && request.backfill === 'orders-v2')
        throw new RetryableError('KAFKA_UNREACHABLE', 'away')
      around.asked.push(request)
    },
  }
  await around.look(deps)
  around.at('2026-05-02T01:00:00Z')
  await expect(around.look(deps)).rejects.toThrow('away')
  expect(keys(around)).toEqual(['schedule/trips/2026-05-02T01:00:00.000Z'])
})

test('the list says when next, and what became of the last', async () => {
  const around = await world()
  const list = async () => listSchedules(around.pool, around.schema, around.definitions, around.now())
  const row = { backfill: 'orders-v2', every: '0 3 * * *', timezone: 'Europe/Berlin' }
  expect(await list()).toEqual([{ ...row, next: '2026-05-02T01:00:00.000Z', last: null }])
  await around.look()
  around.at('2026-05-02T01:00:00Z')
  await around.look()
  await around.answerAll()
  const [run] = await around.rows('select id from :schema.run')
  expect(await list()).toEqual([
    {
      ...{ ...row, next: '2026-05-03T01:00:00.000Z' },
      last: { requestKey: keyOf('2026-05-02T01:00:00.000Z'), runId: run?.['id'], state: 'planning', reasons: [] },
    },
  ])
  await around.rows(
    `insert into :schema.ledger_request (event_id, request_key, request_hash, type, reasons, answered_at)
     values (gen_random_uuid(), $1, $2, 'request.rejected', '["table orders does not exist"]', now())`,
    [keyOf('2026-05-03T01:00:00.000Z'), 'a'.repeat(64)],
  )
  expect((await list())[0]?.last).toMatchObject({ state: 'rejected', reasons: ['table orders does not exist'] })
})
