import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()
const Order = z.object({ id: z.bigint(), created_at: z.date() })

async function problemsOf(action: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await action.catch((reason: unknown) => reason)
  if (!(error instanceof TerminalError)) throw new Error(`expected a TerminalError, got ${String(error)}`)
  return error.reasons
}

describe('a table that cannot be read as the definition says', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
    await database.run(
      'create table $schema.orders (id int8 primary key, created_at timestamptz, amount numeric, status text, n int, code text unique)',
    )
    await database.run('create unique index on $schema.orders (status) where n > 0')
  })
  afterAll(() => database.close())

  it('is missing: the nearest name is proposed', async () => {
    const table = postgres.table(`${database.schema}.ordres`, { schema: Order, key: 'id' })
    expect(await problemsOf(openPostgresTable(table, { pool: database.pool }).check(signal))).toEqual([
      expect.stringMatching(
        new RegExp(`^table "${database.schema}.ordres" is missing in .*: did you mean "${database.schema}.orders"\\?$`),
      ),
    ])
  })

  it('has other columns, other types and no such key: all of it is told at once', async () => {
    const schema = z.object({ id: z.date(), creatd_at: z.date(), amount: z.boolean(), status: z.string() })
    const name = `${database.schema}.orders`
    const table = postgres.table(name, { schema, key: 'status' })
    const source = openPostgresTable(table, {
      pool: database.pool,
      partitionBy: partition.byTime('id', { every: 'P1D' }),
    })
    expect(await problemsOf(source.check(signal))).toEqual([
      `table ${name}: column "creatd_at" is missing: did you mean "created_at"?`,
      `table ${name}: column "id" is declared z.date(), but it is bigint, which can be z.bigint() or z.int() or z.number() or z.string()`,
      `table ${name}: column "amount" is declared z.boolean(), but it is numeric, which can be z.bigint() or z.int() or z.number() or z.string()`,
      `table ${name}: key "status" has not a unique index on it alone and not null: add that, or name a column that has`,
      `table ${name}: partition column "id" is bigint, not timestamptz, timestamp or date: use partition.byKey`,
    ])
  })

  it('has a key with nulls, or a partition column that is neither time nor integer', async () => {
    const schema = z.object({ code: z.string(), status: z.string() })
    const source = openPostgresTable(postgres.table(`${database.schema}.orders`, { schema, key: 'code' }), {
      pool: database.pool,
    })
    expect(await problemsOf(source.pin(partition.byKey('status', { size: 10 }), {}, signal))).toEqual([
      expect.stringMatching(/key "code" has not not null: add that/),
      expect.stringMatching(
        /partition column "status" is text, not int2, int4, int8, numeric or uuid: use partition.byQuantiles$/,
      ),
    ])
  })

  it('may not be read by this user', async () => {
    const role = `${database.schema}_reader`
    await database.run(`create role ${role}`)
    try {
      await database.run(`grant usage on schema $schema to ${role}`)
      await database.run(`grant select (id) on $schema.orders to ${role}`)
      const client = await database.pool.connect()
      await client.query(`set role ${role}`)
      client.release()
      const source = openPostgresTable(postgres.table(`${database.schema}.orders`, { schema: Order, key: 'id' }), {
        pool: database.pool,
      })
      expect(await problemsOf(source.check(signal))).toEqual([
        expect.stringMatching(/no privilege to read "created_at": grant select to this user$/),
      ])
    } finally {
      await database.run('reset role')
      await database.run(`drop owned by ${role}`)
      await database.run(`drop role ${role}`)
    }
  })
})
