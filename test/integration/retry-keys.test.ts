// Risk: a retry of keys reads other rows than those, or takes what is no key.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { postgres } from '../../src/entry/postgres.ts'
import { defineBackfill, partition } from '../../src/index.ts'
import { type AnsweringPlanner, answeringPlanner } from '../support/answering-planner.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'

const Row = z.object({ id: z.bigint(), region: z.string() })

interface World extends ControlDatabase, AnsweringPlanner {
  /** A run that has ended. */
  readonly runId: string
}

async function world(key: 'id' | ['region', 'id']): Promise<World> {
  const database = await controlDatabase()
  const { schema, rows } = database
  await rows(
    'create table :schema.orders (id bigint not null, region text not null, primary key (region, id), unique (id))',
  )
  await rows(`insert into :schema.orders select i, 'eu' from generate_series(1, 50) i`)
  const backfill = defineBackfill({
    id: 'orders-v2',
    params: z.object({}),
    source: postgres.table(`${schema}.orders`, { schema: Row, key }),
    partitionBy: partition.byKey('id', { size: 10 }),
    sink: postgres.upsert('orders_v2', { schema: Row, key: ['id'] }),
  })
  const planner = answeringPlanner(database, backfill)
  await planner.answer({ version: 1, type: 'start', requestKey: 'start', backfill: 'orders-v2' })
  const [run] = await rows(
    `update :schema.run set state = 'completed', planned_at = now(), ended_at = now() returning id`,
  )
  return { ...database, ...planner, runId: String(run?.['id']) }
}

test('a retry of keys is a run of those rows, as the server orders them, each once', async () => {
  const { answer, rows, runId, events } = await world('id')
  await answer({ version: 1, type: 'retry', requestKey: 'again', runId, keys: ['30', 7, '100', '7'] })
  expect(events.at(-1)).toMatchObject({ type: 'request.accepted', requestKey: 'again' })
  const [run] = await rows(
    'select retry_of, retry_what, partitions, bounds from :schema.run where retry_of is not null',
  )
  expect(run).toMatchObject({
    ...{ retry_of: runId, retry_what: 'cut', partitions: '1' },
    bounds: { kind: 'key', columns: ['id'], values: ['7', '30', '100'], from: '["7"]', to: 'after ["100"]' },
  })
})

test('what is no key is refused, and so are keys of a key of two columns', async () => {
  const one = await world('id')
  await one.answer({ version: 1, type: 'retry', requestKey: 'again', runId: one.runId, keys: ['30', 'x'] })
  const two = await world(['region', 'id'])
  await two.answer({ version: 1, type: 'retry', requestKey: 'again', runId: two.runId, keys: ['30'] })
  const reasons = [...one.events, ...two.events].flatMap((event) =>
    event.type === 'request.rejected' ? event.reasons : [],
  )
  expect(reasons).toEqual([
    expect.stringContaining('has a value that is none of column "id", which is bigint'),
    'keys: the key of "orders-v2" is (region, id), and values of one column can be given: give ranges',
  ])
})
