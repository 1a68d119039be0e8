// Risk: a process that lives is taken for dead because its connection was lost, or a dead one for alive.
import { randomUUID } from 'node:crypto'
import { expect, inject, onTestFinished, test } from 'vitest'
import { openPool, type Pool, query } from '../../src/postgres/pool.ts'
import { createPresence, presenceKeys, presentKeys } from '../../src/postgres/presence.ts'
import { eventually } from '../support/eventually.ts'
import { silentLog } from '../support/silent-log.ts'

function testPool(applicationName: string): Pool {
  const pool = openPool({ connectionString: inject('DATABASE_URL'), applicationName, max: 2, log: silentLog })
  onTestFinished(() => pool.end())
  return pool
}

test('a presence is there while it is held, comes back after a lost connection, and belongs to all who hold it', async () => {
  const name = `presence ${randomUUID()}`
  const looker = testPool('looker')
  const [key] = await presenceKeys(looker, [name, 'another'])
  const isPresent = async (): Promise<boolean> => (await presentKeys(looker)).has(key ?? '')
  const [first, second] = [
    createPresence(testPool(name), name, silentLog),
    createPresence(testPool(`${name}, again`), name, silentLog),
  ]
  onTestFinished(async () => {
    await Promise.all([first.stop(), second.stop()])
  })
  expect(await isPresent()).toBe(false)

  await Promise.all([first.start(), first.start()])
  expect(await isPresent()).toBe(true)
  const sessions = (): Promise<{ rows: { pid: number }[] }> =>
    query(looker, 'select pid from pg_stat_activity where application_name = $1', [name])
  const [before] = (await sessions()).rows
  await query(looker, 'select pg_terminate_backend($1)', [before?.pid])
  await eventually('another session holds it', async () => {
    const { rows } = await sessions()
    return (rows[0] !== undefined && rows[0].pid !== before?.pid && (await isPresent())) || undefined
  })

  await second.start()
  await first.stop()
  expect(await isPresent()).toBe(true)
  await second.stop()
  await eventually('nobody holds it', async () => !(await isPresent()) || undefined)
})
