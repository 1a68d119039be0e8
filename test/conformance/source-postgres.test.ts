import { z } from 'zod'
import type { KeyRange } from '../../src/contract/range.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { openPostgresTable } from '../../src/source/postgres-table.ts'
import { freshSchema } from '../support/fresh-schema.ts'
import { describeSource, type SourceHarness } from './source.ts'

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
