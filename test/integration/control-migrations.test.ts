// Risk: the control tables let something in that the rest of the system takes for impossible.
import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runTransitions } from '../../src/contract/states.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'

const folder = new URL('../../src/ledger/migrations/', import.meta.url)

const insertRun = ({ rows }: ControlDatabase, given: Record<string, unknown> = {}): Promise<unknown> => {
  const run: Record<string, unknown> = {
    ...{
      id: randomUUID(),
      request_key: randomUUID(),
      backfill: 'b',
      definition_hash: 'd',
      definition: {},
      params: {},
      target: 'localhost:5432/sales/public.orders',
      target_id: randomUUID(),
    },
    ...{ state: 'planning', bounds: {}, range: {}, plan_hash: 'p', partitions: 1, ...given },
  }
  const columns = Object.keys(run)
  return rows(
    `insert into :schema.run (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})`,
    columns.map((column) => run[column]),
  )
}

test('ten processes that start at once make the tables once', async () => {
  const { pool, schema, rows } = await controlDatabase()
  await rows('drop schema :schema cascade')
  const results = await Promise.all(
    Array.from({ length: 10 }, () => migrate(pool, { schema, component: 'control', folder })),
  )
  expect(results.flatMap(({ applied }) => applied)).toEqual(readdirSync(folder).map((_, n) => n + 1))
})

test('a target has one live run, and any number that have ended', async () => {
  const database = await controlDatabase()
  const now = new Date()
  await insertRun(database, { target_id: 't', state: 'completed', planned_at: now, ended_at: now })
  await insertRun(database, { target_id: 't', state: 'failed', ended_at: now })
  await insertRun(database, { target_id: 't' })
  for (const state of ['planning', 'running', 'paused'])
    await expect(insertRun(database, { target_id: 't', state, planned_at: now })).rejects.toThrow('run_live_target')
})

test('every state of the contract can be stored, and no other', async () => {
  const database = await controlDatabase()
  const now = new Date()
  for (const [state, next] of Object.entries(runTransitions))
    await insertRun(database, { state, planned_at: now, ended_at: next.length === 0 ? now : null })
  await expect(insertRun(database, { state: 'stopped' })).rejects.toThrow('run_state_check')
})

test('a run that works is planned, one that has ended has a time of it', async () => {
  const database = await controlDatabase()
  await expect(insertRun(database, { state: 'running' })).rejects.toThrow('planned_before_running')
  await expect(insertRun(database, { state: 'completed', planned_at: new Date() })).rejects.toThrow('ended_if_terminal')
  await expect(insertRun(database, { ended_at: new Date() })).rejects.toThrow('ended_if_terminal')
  await expect(insertRun(database, { plan_cursor: 2 })).rejects.toThrow('plan_cursor')
})
