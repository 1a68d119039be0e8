import { expect, it } from 'vitest'
import { z } from 'zod'
import { postgres } from '../../src/define/postgres.ts'
import { query, withTransaction } from '../../src/postgres/pool.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { eventually } from '../support/eventually.ts'
import { freshSchema } from '../support/fresh-schema.ts'

it('reading a table that does not answer ends when it is aborted, and so does its statement', async () => {
  const database = await freshSchema()
  const table = `${database.schema}.orders`
  try {
    await database.run('create table $schema.orders (id int8 primary key)')
    const controller = new AbortController()
    const definition = postgres.table(table, { schema: z.object({ id: z.bigint() }), key: 'id' })
    const range = { range: { kind: 'integer' as const, from: '0', to: '10' }, locator: { column: 'id' } }
    const pages = openPostgresTable(definition, { pool: database.pool }).read(range, null, 10, controller.signal)
    const waiting = async (): Promise<number> => {
      const { rows } = await query<{ count: number }>(
        database.pool,
        `select count(*)::int4 as count from pg_stat_activity where wait_event_type = 'Lock' and position($1 in query) > 0`,
        [`"${database.schema}"."orders"`],
      )
      return rows[0]?.count ?? 0
    }
    await withTransaction(database.pool, async (client) => {
      await client.query(`lock table ${table} in access exclusive mode`)
      const page = pages[Symbol.asyncIterator]().next()
      const ended = expect(page).rejects.toThrow('given up')
      await eventually('the page to wait', async () => ((await waiting()) === 1 ? true : undefined))
      controller.abort(new Error('given up'))
      await ended
      await eventually('the statement to end', async () => ((await waiting()) === 0 ? true : undefined))
    })
  } finally {
    await database.close()
  }
})
