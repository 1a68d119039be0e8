// Risk: the tables depend on the order in which events come, on how they are cut into batches, or on who else writes.
import { fc } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { ledgerHash } from '../../src/ledger/ledger-hash.ts'
import type { PlacedEvent } from '../../src/ledger/placed-event.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { ledgerTables } from '../support/ledger-tables.ts'
import { completed, progressed } from '../support/partition-events.ts'
import { batchSizes, inBatches, toldInAnyOrder } from '../support/status-events.ts'

async function record(
  { pool, schema }: ControlDatabase,
  events: readonly PlacedEvent[],
  sizes: readonly number[],
  topicPartition = 0,
): Promise<void> {
  const upTo = { topic: 'status', topicPartition, nextOffset: '0' }
  for (const batch of inBatches(events, sizes)) await recordEvents(pool, schema, batch, upTo)
}

const empty = ({ rows }: ControlDatabase): Promise<unknown> =>
  rows(`truncate ${ledgerTables.map((table) => `:schema.${table}`).join(', ')}`)

/** Hash and counts of what a feed leaves in empty tables. */
async function left(database: ControlDatabase, feed: () => Promise<unknown>): Promise<unknown> {
  await empty(database)
  await feed()
  const { hash, tables } = await ledgerHash(database.pool, database.schema)
  return { hash, tables, heard: await heard(database) }
}

/** The steps depend on the batches, their sums do not. */
const heard = ({ rows }: ControlDatabase): Promise<unknown> =>
  rows(
    `select run_id, sum(rows_read) as read, sum(rows_written) as written, sum(chunks) as chunks, sum(ended) as ended
       from :schema.ledger_heard group by run_id
     having sum(rows_read) <> 0 or sum(rows_written) <> 0 or sum(chunks) <> 0 or sum(ended) <> 0 order by run_id`,
  )

test('any order, repetition and cut leave the same tables', async () => {
  const database = await controlDatabase()
  const property = fc.asyncProperty(toldInAnyOrder, batchSizes, async ({ once, again }, sizes) => {
    const ordered = await left(database, () => record(database, once, [once.length]))
    expect(await left(database, () => record(database, again, sizes))).toEqual(ordered)
  })
  await fc.assert(property, { numRuns: 150 })
}, 300_000)

test('two writers of one topic partition at once leave the same tables', async () => {
  const database = await controlDatabase()
  const property = fc.asyncProperty(toldInAnyOrder, batchSizes, batchSizes, async ({ once, again }, mine, yours) => {
    const ordered = await left(database, () => record(database, once, [once.length]))
    const both = (): Promise<unknown> =>
      Promise.all([record(database, again, mine), record(database, once.toReversed(), yours)])
    expect(await left(database, both)).toEqual(ordered)
  })
  await fc.assert(property, { numRuns: 150 })
}, 300_000)

test('a statement that is planned on small tables still finds rows by index when they are large', async () => {
  const database = await controlDatabase()
  const id = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
  const events = Array.from({ length: 20_000 }, (_, n): PlacedEvent => {
    const of = { partitionId: id(n >> 1), index: n >> 1, sequence: n % 2 }
    return { event: n % 2 === 0 ? progressed(of) : completed(of), offset: String(n) }
  })
  await record(database, events, [500])
  // Of rows that were read without an index: each batch would read all that the ones before it left.
  const scanned = await database.rows(
    `select relname, seq_tup_read::int from pg_stat_user_tables
      where schemaname = $1 and relname in ('ledger_event', 'ledger_partition') and seq_tup_read > 0`,
    [database.schema],
  )
  expect(scanned).toEqual([])
  expect(await database.rows('select completed::int, claims::int from :schema.ledger_run_slice')).toEqual([
    { completed: 10_000, claims: 10_000 },
  ])
}, 120_000)

test('what the history has is found also where the record of its partition is gone', async () => {
  const database = await controlDatabase()
  const events = [
    { event: progressed({ sequence: 1 }), offset: '4' },
    { event: completed({ sequence: 2 }), offset: '5' },
  ]
  await record(database, events, [2])
  const expected = await database.rows('select event_id, record_offset from :schema.ledger_event order by 1')
  await database.rows('delete from :schema.ledger_partition')
  await record(database, events, [1])
  expect(await database.rows('select event_id, record_offset from :schema.ledger_event order by 1')).toEqual(expected)
  expect(await database.rows('select state, sequence::int from :schema.ledger_partition')).toEqual([
    { state: 'completed', sequence: 2 },
  ])
}, 60_000)

test('of a history that was recorded half by an earlier release the rest is recorded right', async () => {
  const database = await controlDatabase()
  const events = [progressed({ sequence: 1, totals: { ...zero, rowsRead: 5, chunks: 1 } })]
  await record(database, [{ event: events[0] ?? completed(), offset: '4' }], [1])
  // Columns of that time: nobody knew at which offset a fact stands.
  await database.rows('update :schema.ledger_partition set record_offset = 0')
  await record(database, [{ event: events[0] ?? completed(), offset: '4' }], [1])
  await record(
    database,
    [{ event: completed({ sequence: 2, totals: { ...zero, rowsRead: 9, chunks: 2 } }), offset: '5' }],
    [1],
  )
  expect(
    await database.rows('select running::int, completed::int, rows_read::int from :schema.ledger_run_slice'),
  ).toEqual([{ running: 0, completed: 1, rows_read: 9 }])
})

const zero = { rowsRead: 0, rowsWritten: 0, rowsFiltered: 0, rowsRejected: 0, chunks: 0, contentHash: '0' }

test('a fact that was told twice, and not the same, is noted with both versions and blocks nothing', async () => {
  const database = await controlDatabase()
  const at = (second: number): string => `2026-11-23T12:00:0${second}.000000Z`
  const truth = completed({ totals: { ...zero, rowsRead: 5, rowsWritten: 5 }, at: at(1) })
  const lie = completed({ totals: { ...zero, rowsRead: 4, rowsWritten: 4 }, at: at(2), worker: 'worker-2' })
  await record(database, [{ event: lie, offset: '7' }], [1])
  await record(
    database,
    [
      { event: truth, offset: '9' },
      { event: completed({ ...truth, worker: 'x', at: at(3) }), offset: '10' },
    ],
    [2],
  )
  expect(
    await database.rows(
      `select record_offset::int, event -> 'totals' ->> 'rowsRead' as read from :schema.ledger_contradiction order by 1`,
    ),
  ).toEqual([
    { record_offset: 7, read: '4' },
    { record_offset: 9, read: '5' },
  ])
  expect(await database.rows('select rows_read::int, completed::int from :schema.ledger_run_slice')).toEqual([
    { rows_read: 5, completed: 1 },
  ])
  expect(await database.rows(`select event ->> 'worker' as worker from :schema.ledger_event`)).toEqual([
    { worker: 'worker-1' },
  ])
})
