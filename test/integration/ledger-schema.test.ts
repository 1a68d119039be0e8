// Risk: tables change without anybody having said so, or a ledger that is there already is left behind.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { ledgerHash } from '../../src/ledger/ledger-hash.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { controlDatabase } from '../support/control-database.ts'
import { dumpSchema } from '../support/dump-schema.ts'
import { ledgerTables } from '../support/ledger-tables.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'

const folder = new URL('../../src/ledger/migrations/', import.meta.url)

test('the tables are those of src/ledger/schema.sql (write it anew with: vitest -u)', async () => {
  const { pool, schema } = await controlDatabase()
  await expect(await dumpSchema(pool, schema)).toMatchFileSnapshot('../../src/ledger/schema.sql')
})

/** The migrations up to a version, as an earlier release had them. */
async function migrationsUpTo(version: number): Promise<URL> {
  const copy = await mkdtemp(join(tmpdir(), 'tidemark-migrations-'))
  onTestFinished(() => rm(copy, { recursive: true }))
  for (const file of await readdir(folder))
    if (Number(file.slice(0, 4)) <= version) await cp(new URL(file, folder), join(copy, file))
  return pathToFileURL(`${copy}/`)
}

const runId = (n: number): string => `019aa000-0000-7000-8000-00000000000${n}`
const partitionId = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
const at = (second: number): string => `2026-11-23T12:00:${String(second).padStart(2, '0')}.123456Z`
const totals = (rows: number): object => ({
  totals: {
    rowsRead: rows,
    rowsWritten: rows - 1,
    rowsFiltered: 1,
    rowsRejected: 0,
    chunks: 1,
    contentHash: `${rows}5`,
  },
})

/** Of each partition some of what can happen to one. */
const eventsOf = (n: number): readonly StatusEvent[] => {
  const of = { partitionId: partitionId(n), runId: runId(n % 3), index: n }
  const timings = { readMs: n / 3, transformMs: 0.1, writeMs: 1.0005 }
  const begun = [
    claimed({ ...of, at: at(1) }),
    { ...progressed({ ...of, ...totals(10), sequence: 1, at: at(2) }), timings } as StatusEvent,
  ]
  if (n % 4 === 0) return [...begun, completed({ ...of, ...totals(10), sequence: 1, at: at(12) })]
  if (n % 4 === 1) return [...begun, failed({ ...of, ...totals(10), sequence: 1, attempts: 3, at: at(22) })]
  if (n % 4 === 2)
    return [
      ...begun,
      claimed({ ...of, ...totals(10), epoch: 2, sequence: 1, worker: 'worker-2', at: at(4) }),
      { ...of, version: 1, type: 'partition.republished', backfill: 'orders-v2', message: '', at: at(3) },
      completed({ ...of, ...totals(30), epoch: 2, sequence: 2, worker: 'worker-2', at: at(9) }),
    ]
  return [{ ...completed({ ...of, epoch: 0, worker: 'unknown', at: at(5) }), type: 'partition.cancelled' }]
}

test('a ledger of an earlier release is brought up to date: it says what the same events say when they come in today', async () => {
  const today = await controlDatabase()
  for (const topicPartition of [0, 1, 2]) {
    const events = Array.from({ length: 60 }, (_, n) => n)
      .filter((n) => n % 5 === topicPartition)
      .flatMap(eventsOf)
    const placed = events.map((event, offset) => ({ event, offset: String(offset) }))
    await recordEvents(today.pool, today.schema, placed, { topic: 'status', topicPartition, nextOffset: '9' })
  }
  const earlier = await controlDatabase()
  await earlier.rows('drop schema :schema cascade')
  const component = { schema: earlier.schema, component: 'control' } as const
  await migrate(earlier.pool, { ...component, folder: await migrationsUpTo(8) })
  for (const table of ledgerTables) {
    const columns = await earlier.rows(
      `select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns
        where table_schema = $1 and table_name = $2`,
      [earlier.schema, table],
    )
    const names = columns[0]?.['names']
    if (typeof names === 'string')
      await earlier.rows(`insert into :schema.${table} (${names}) select ${names} from "${today.schema}".${table}`)
  }
  expect((await migrate(earlier.pool, { ...component, folder })).applied).toContain(9)
  expect((await ledgerHash(earlier.pool, earlier.schema)).tables).toEqual(
    (await ledgerHash(today.pool, today.schema)).tables,
  )
  const heard = 'select sum(rows_read)::int as read, sum(ended)::int as ended from :schema.ledger_heard'
  expect(await earlier.rows(heard)).toEqual(await today.rows(heard))
})
