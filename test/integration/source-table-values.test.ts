import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { type FreshSchema, freshSchema } from '../support/fresh-schema.ts'

const { signal } = new AbortController()

describe('values of a table', () => {
  let database: FreshSchema
  beforeAll(async () => {
    database = await freshSchema()
    await database.run(`create type $schema.state as enum ('open', 'paid')`)
    await database.run(`create domain $schema.cents as int8 check (value >= 0)`)
    await database.run(`create table $schema."Order Lines" (
      id int4 primary key, big int8, cents $schema.cents, price numeric(12,2), ratio float8, ok bool, name text, ref uuid,
      state $schema.state, data jsonb, bytes bytea, tags text[], at timestamptz, "quo""ted" text)`)
    await database.run(`insert into $schema."Order Lines" values
      (1, 9007199254740993, 5, 12.50, 0.1, true, 'Åre', '00000000-0000-4000-8000-000000000001', 'paid', '{"a": [1]}',
       '\\x01ff', '{a,b}', '2024-01-01T00:00:00.123456Z', 'q'),
      (2, null, null, null, null, null, null, null, null, null, null, null, null, null)`)
  })
  afterAll(() => database.close())

  async function row(id: number, schema: RowSchema<AnyRow & { id: unknown }>): Promise<AnyRow | undefined> {
    const table = postgres.table(`${database.schema}.Order Lines`, { schema, key: 'id' })
    const range = {
      range: { kind: 'integer' as const, from: String(id), to: String(id + 1) },
      locator: { column: 'id' },
    }
    const rows: AnyRow[] = []
    for await (const page of openPostgresTable(table, { pool: database.pool }).read(range, null, 10, signal))
      rows.push(...page.rows)
    return rows[0]
  }

  it('come as the schema asks', async () => {
    const schema = z.object({
      id: z.int(),
      big: z.bigint(),
      cents: z.number(),
      price: z.string(),
      ratio: z.number(),
      ok: z.boolean(),
      name: z.string(),
      ref: z.uuid(),
      state: z.enum(['open', 'paid']),
      data: z.object({ a: z.array(z.int()) }),
      bytes: z.instanceof(Uint8Array),
      tags: z.array(z.string()),
      at: z.string(),
      'quo"ted': z.string(),
    })
    expect(await row(1, schema)).toEqual({
      id: 1,
      big: 9_007_199_254_740_993n,
      cents: 5,
      price: '12.50',
      ratio: 0.1,
      ok: true,
      name: 'Åre',
      ref: '00000000-0000-4000-8000-000000000001',
      state: 'paid',
      data: { a: [1] },
      bytes: Buffer.of(1, 255),
      tags: ['a', 'b'],
      at: '2024-01-01T00:00:00.123456Z',
      'quo"ted': 'q',
    })
  })

  it('come as the driver gives them when the schema does not say', async () => {
    expect(
      await row(
        1,
        z
          .looseObject({ id: z.unknown() })
          .catchall(z.unknown())
          .transform((all) => all),
      ),
    ).toMatchObject({
      id: 1,
      big: '9007199254740993',
      price: '12.50',
      at: new Date('2024-01-01T00:00:00.123Z'),
      data: { a: [1] },
      tags: ['a', 'b'],
    })
  })

  it('are null only where the schema takes it', async () => {
    expect(await row(2, z.object({ id: z.int(), name: z.string().nullable(), big: z.bigint().optional() }))).toEqual({
      id: 2,
      name: null,
      big: undefined,
    })
    await expect(row(2, z.object({ id: z.int(), name: z.string() }))).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: `table ${database.schema}.Order Lines, row with id 2: column "name" is null; correct the row or the schema`,
    })
  })

  it('are refused where a number would not hold them', async () => {
    await expect(row(1, z.object({ id: z.int(), big: z.int() }))).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: expect.stringMatching(/row with id 1: column "big" is 9007199254740993, which is no whole number/),
    })
  })
})
