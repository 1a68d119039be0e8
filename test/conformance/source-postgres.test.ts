import { z } from 'zod'
import { writePlace } from '../../src/contract/key-place.ts'
import type { KeyRange } from '../../src/contract/range.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import type { SourceRange } from '../../src/source/source.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { freshSchema } from '../support/fresh-schema.ts'
import { describeSource, type SourceHarness } from './source.ts'

const Note = z.object({ id: z.bigint(), note: z.string() })
const Order = z.object({ id: z.bigint(), created_at: z.date(), amount: z.string(), note: z.string().nullable() })

/** 40 orders, four at every moment, microseconds apart; ids count down within a moment. */
const orders = (): AnyRow[] =>
  Array.from({ length: 40 }, (_, i) => ({
    id: BigInt(100 + 4 * Math.floor(i / 4) - (i % 4)),
    moment: Math.floor(i / 4),
    amount: `${i}.50`,
    note: i % 5 === 0 ? null : `note ${i}`,
  }))

async function open(
  column: string,
  range: KeyRange,
  inRange: (row: AnyRow) => boolean,
  nothing: KeyRange[],
): Promise<SourceHarness> {
  const database = await freshSchema()
  const created = (row: AnyRow): string => `2024-03-31T00:59:59.99999${String(row['moment'])}Z`
  await database.run(
    'create table $schema.orders (id int8 primary key, created_at timestamptz, amount numeric(10,2), note text)',
  )
  await database.run('create index on $schema.orders (created_at)')
  const values = orders().map(
    (row) =>
      `(${String(row['id'])}, '${created(row)}', ${String(row['amount'])}, ${typeof row['note'] === 'string' ? `'${row['note']}'` : 'null'})`,
  )
  // From the last to the first, so that the order of the rows is not the order of the table; one is in no window.
  await database.run(`insert into $schema.orders values (1000, null, 1, null), ${values.reverse().join(', ')}`)
  const definition = postgres.table(`${database.schema}.orders`, { schema: Order, key: 'id' })
  const locator = { column }
  return {
    source: openPostgresTable(definition, { pool: database.pool }),
    range: { range, locator },
    rows: orders()
      .filter(inRange)
      .sort(
        (a, b) =>
          (column === 'id' ? 0 : Number(a['moment']) - Number(b['moment'])) || Number(a['id']) - Number(b['id']),
      )
      .map((row) => ({ id: row['id'], created_at: new Date(created(row)), amount: row['amount'], note: row['note'] })),
    nothing: nothing.map((empty) => ({ range: empty, locator })),
    close: () => database.close(),
  }
}

const moment = (micros: number): string => `2024-03-31T00:59:59.99999${micros}Z`

/** As they lie on disk, in blocks with few rows each. */
async function openBlocks(): Promise<SourceHarness> {
  const database = await freshDatabase()
  const source = openPostgresTable(postgres.table(`${database.schema}.notes`, { schema: Note, key: 'id' }), {
    pool: database.pool,
  })
  const { signal } = new AbortController()
  const pin = async (): Promise<SourceRange> => {
    const by = partition.byBlocks({ rows: 1_000 })
    const [whole] = cut(await source.pin(by, {}, signal), by)
    if (whole === undefined) throw new Error('there is no partition')
    return { range: { kind: 'integer', from: whole.from, to: whole.to }, locator: whole.locator }
  }
  await database.run(
    'create table $schema.notes (id int8 primary key, note text not null) with (autovacuum_enabled = off)',
  )
  // Three rows a block, and gaps: of rows that were rolled back, deleted, or moved by an update.
  const note = `repeat('x', 2400)`
  const insert = (from: number, to: number): string =>
    `insert into $schema.notes select i, i || ${note} from generate_series(${from}, ${to}) i;`
  await database.run(insert(1, 60))
  await database.run(
    `do $do$ begin ${insert(100, 130)} raise exception 'not kept'; exception when others then null; end $do$`,
  )
  await database.run('delete from $schema.notes where id % 7 = 0')
  await database.run(`update $schema.notes set note = 'moved ' || note where id % 10 = 0`)
  const range = await pin()
  await database.run(insert(200, 220))
  await database.run(`update $schema.notes set note = 'later ' || note where id in (11, 12)`)
  const { rows } = await database.pool.query<{ id: string; note: string }>(
    `select id, note from ${database.schema}.notes where id < 200 and id not in (11, 12) order by ctid`,
  )
  const [from, to] = [range.range.to, String(Number(range.range.to) + 5)]
  return {
    ...{ source, range },
    rows: rows.map(({ id, note }) => ({ id: BigInt(id), note })),
    nothing: [
      { ...range, range: { kind: 'integer', from: '3', to: '3' } },
      { ...range, range: { kind: 'integer', from, to } },
    ],
    close: () => database.close(),
  }
}
describeSource('postgres.table by blocks', openBlocks)

describeSource('postgres.table by time', () =>
  open(
    'created_at',
    { kind: 'time', from: moment(2), to: moment(9) },
    (row) => Number(row['moment']) >= 2 && Number(row['moment']) < 9,
    [
      { kind: 'time', from: moment(2), to: moment(2) },
      { kind: 'time', from: '2025-01-01T00:00:00Z', to: '2025-01-02T00:00:00Z' },
    ],
  ),
)

describeSource('postgres.table by key', () =>
  open(
    'id',
    { kind: 'integer', from: '103', to: '130' },
    (row) => Number(row['id']) >= 103 && Number(row['id']) < 130,
    [
      { kind: 'integer', from: '103', to: '103' },
      { kind: 'integer', from: '500', to: '600' },
    ],
  ),
)

/** 30 rows of 6 tenants, in an order that only the server knows. */
describeSource('postgres.table by several keys', async () => {
  const database = await freshSchema()
  await database.run(`
    create table $schema.entries (tenant text not null, id uuid not null, n int4 not null, primary key (tenant, id));
    insert into $schema.entries
      select (array['ä', 'Z', 'a', 'b"', '', 'é'])[1 + i % 6], gen_random_uuid(), i from generate_series(1, 30) as i`)
  const schema = z.object({ n: z.int(), tenant: z.string() }) as unknown as RowSchema<AnyRow>
  const source = openPostgresTable(
    postgres.table<AnyRow>(`${database.schema}.entries`, { schema, key: ['tenant', 'id'] }),
    { pool: database.pool },
  )
  const by = partition.byQuantiles(['tenant', 'id'], { rows: 1_000 })
  const bounds = await source.pin(by, {}, new AbortController().signal)
  const [whole] = [...cut(bounds, by)]
  if (whole === undefined) throw new Error('no partition')
  const { from, to, locator } = whole
  const beyond = writePlace({ values: ['zzz', '00000000-0000-0000-0000-000000000000'], after: false })
  const { rows } = await database.pool.query<AnyRow>(
    `select n, tenant from ${database.schema}.entries order by tenant, id`,
  )
  return {
    source,
    range: { range: { kind: 'key', from, to }, locator },
    rows,
    nothing: [
      { range: { kind: 'key', from, to: from }, locator },
      { range: { kind: 'key', from: to, to: beyond }, locator },
    ],
    close: () => database.close(),
  }
})
