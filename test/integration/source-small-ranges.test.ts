import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { KeyRange } from '../../src/contract/range.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { withTransaction } from '../../src/postgres/pool.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import type { Page, Source } from '../../src/source/source.ts'
import { eventually } from '../support/eventually.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()
const schema = z.object({ id: z.bigint(), at: z.string(), name: z.string().nullable() })

describe('ranges with few rows', () => {
  let database: FreshSchema
  let open: () => Source
  /** Ranges of 10 ids with every third empty, one of 100 rows among them; then the hours of the same rows. */
  const keys: readonly KeyRange[] = Array.from({ length: 20 }, (_, at) => ({
    ...{ kind: 'integer' as const, from: String(at === 0 ? 0 : at * 10 + 90), to: String(at * 10 + 100) },
  }))
  const hours: readonly KeyRange[] = Array.from({ length: 24 }, (_, hour) => ({
    kind: 'time' as const,
    from: new Date(Date.UTC(2024, 0, 1, hour)).toISOString(),
    to: new Date(Date.UTC(2024, 0, 1, hour + 1)).toISOString(),
  }))

  beforeAll(async () => {
    database = await freshSchema()
    await database.run('create table $schema.orders (id int8 primary key, at timestamptz not null, name text)')
    await database.run(`insert into $schema.orders
      select n, '2024-01-01Z'::timestamptz + n % 97 * interval '13 minutes', case when n % 7 > 0 then 'name ' || n end
        from generate_series(0, 299) n where n < 100 or n / 10 % 3 > 0`)
    const definition = postgres.table(`${database.schema}.orders`, { schema, key: 'id' })
    open = () => openPostgresTable(definition, { pool: database.pool })
  })
  afterAll(() => database.close())

  const read = async (source: Source, range: KeyRange, chunkRows: number, given = signal): Promise<unknown[]> => {
    const pages: { rows: AnyRow[]; cursor: Page['cursor']; last: boolean }[] = []
    const column = range.kind === 'time' ? 'at' : 'id'
    for await (const { rows, cursor, last } of source.read({ range, locator: { column } }, null, chunkRows, given))
      pages.push({ rows: [...rows], cursor, last })
    return pages
  }

  for (const [what, ranges] of Object.entries({ keys, hours }))
    for (const chunkRows of [3, 10, 1_000])
      it(`are read many in one statement, as each alone: ${what}, chunks of ${chunkRows}`, async () => {
        const alone = await Promise.all(ranges.map((range) => read(open(), range, chunkRows)))
        const source = open()
        // One that is small shows that they are.
        await read(source, ranges[3] as KeyRange, 1_000)
        let lent = 0
        const count = (): void => void (lent += 1)
        database.pool.on('acquire', count)
        const together = await Promise.all(ranges.map((range) => read(source, range, chunkRows)))
        database.pool.off('acquire', count)
        expect(together).toEqual(alone)
        if (chunkRows === 1_000) expect(lent).toBeLessThan(5)
      })

  const waiting = async (): Promise<number> => {
    const { rows } = await database.pool.query<{ count: number }>(
      `select count(*)::int4 as count from pg_stat_activity where wait_event_type = 'Lock' and position($1 in query) > 0`,
      [`"${database.schema}"."orders"`],
    )
    return rows[0]?.count ?? 0
  }

  it('one that is given up leaves the others alone; when all are, the statement ends', async () => {
    const source = open()
    await read(source, keys[3] as KeyRange, 10)
    const controllers = keys.map(() => new AbortController())
    await withTransaction(database.pool, async (client) => {
      await client.query(`lock table ${database.schema}.orders in access exclusive mode`)
      const reads = keys.map((range, at) => read(source, range, 10, controllers[at]?.signal))
      const settled = Promise.allSettled(reads)
      await eventually('one statement to wait', async () => ((await waiting()) === 1 ? true : undefined))
      const [first, ...others] = controllers
      first?.abort(new Error('given up'))
      await expect(reads[0]).rejects.toThrow('given up')
      expect(await waiting()).toBe(1)
      for (const controller of others) controller.abort(new Error('given up too'))
      expect((await settled).every(({ status }) => status === 'rejected')).toBe(true)
      await eventually('the statement to end', async () => ((await waiting()) === 0 ? true : undefined))
    })
  })

  it('a server that went away is not asked again for each of them', async () => {
    const source = open()
    await read(source, keys[3] as KeyRange, 10)
    await withTransaction(database.pool, async (client) => {
      await client.query(`lock table ${database.schema}.orders in access exclusive mode`)
      const settled = Promise.allSettled(keys.map((range) => read(source, range, 10)))
      await eventually('one statement to wait', async () => ((await waiting()) === 1 ? true : undefined))
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and position($1 in query) > 0`,
        [`"${database.schema}"."orders"`],
      )
      // The table is still locked: one that were asked again would wait.
      for (const outcome of await settled)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'POSTGRES_UNREACHABLE' } })
    })
  })
})
