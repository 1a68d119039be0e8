// Risk: of an archived run something is lost, counted twice, or not found any more, whatever is told of it later.
import { fc } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { loadFacts } from '../../src/explain/load.ts'
import { openArchives } from '../../src/ledger/archive-table.ts'
import { ledgerHash } from '../../src/ledger/ledger-hash.ts'
import { createPackHistory } from '../../src/ledger/pack-history.ts'
import { packFacts } from '../../src/ledger/packed-facts.ts'
import type { PlacedEvent } from '../../src/ledger/placed-event.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { holdTopicPartition } from '../../src/ledger/topic-partition.ts'
import { withTransaction } from '../../src/postgres/pool.ts'
import { type ControlDatabase, controlDatabase } from '../support/control-database.ts'
import { eventually } from '../support/eventually.ts'
import { ledgerTables } from '../support/ledger-tables.ts'
import { claimed, completed, progressed } from '../support/partition-events.ts'
import { silentLog } from '../support/silent-log.ts'
import { toldInAnyOrder } from '../support/status-events.ts'

const runId = '019aa000-0000-7000-8000-000000000001'
const archived: StatusEvent = {
  ...{ version: 1, type: 'run.archived', runId, backfill: 'orders-v2', requestKey: 'archive/1' },
  ...{ at: '2026-11-23T13:00:00.000000Z', requestedBy: null, reason: null },
}
const partitionId = (n: number): string => `00000002-0000-4000-8000-${String(n).padStart(12, '0')}`
const chunks = 40

/** What was told of a partition, a chunk each second. */
function life(index: number): readonly StatusEvent[] {
  const of = { partitionId: partitionId(index), index }
  const totals = (n: number): object => ({
    totals: {
      rowsRead: n * 7,
      rowsWritten: n * 7,
      rowsFiltered: 0,
      rowsRejected: 0,
      chunks: n,
      contentHash: `${n * 31}`,
    },
  })
  const at = (n: number): string => `2026-11-23T12:00:${String(n).padStart(2, '0')}.123456Z`
  return [
    claimed({ ...of, at: at(0) }),
    ...Array.from({ length: chunks }, (_, n) =>
      progressed({ ...of, sequence: n + 1, at: at(n + 1), ...totals(n + 1) }),
    ),
    completed({ ...of, sequence: chunks, at: at(chunks + 1), ...totals(chunks) }),
  ]
}

const placed = (events: readonly StatusEvent[], first: number): PlacedEvent[] =>
  events.map((event, at) => ({ event, offset: String(first + at) }))

async function record(
  { pool, schema }: ControlDatabase,
  events: readonly PlacedEvent[],
  topicPartition = 0,
): Promise<void> {
  for (let at = 0; at < events.length; at += 50)
    await recordEvents(pool, schema, events.slice(at, at + 50), { topic: 'status', topicPartition, nextOffset: '0' })
}

/** Looks once, and until nothing is left to be packed. */
async function pack({ pool, schema, rows }: ControlDatabase): Promise<void> {
  const packing = createPackHistory({ pool, schema, topic: 'status', everyMs: 20, log: silentLog })
  await packing.start()
  await eventually('all is packed', async () => {
    const open = await rows('select from :schema.ledger_archive where done < wanted')
    return open.length === 0 ? true : undefined
  })
  await packing.stop()
}

const counts = ({ rows }: ControlDatabase): Promise<unknown> =>
  rows(`select (select count(*)::int from :schema.ledger_event where partition_id is not null) as rows,
               (select count(*)::int from :schema.ledger_packed) as packed,
               (select count(*)::int from :schema.ledger_history where partition_id is not null) as facts`)

/** Its plan, of so many partitions: until it is known nobody can say that the record is whole. */
const planned = (partitions: number): StatusEvent => ({
  ...{ version: 1, type: 'run.planned', runId, backfill: 'orders-v2', requestKey: 'start/1', partitions },
  ...{ definitionHash: 'a'.repeat(64), planHash: 'b'.repeat(64), estimatedRows: null },
  ...{ range: { kind: 'integer', from: '0', to: '100' }, at: '2026-11-23T11:00:00.000000Z' },
})

const hashOf = async ({ pool, schema }: ControlDatabase): Promise<unknown> => ledgerHash(pool, schema)

test('facts of an archived run take a row a partition, and stay what they were', async () => {
  const database = await controlDatabase()
  const lives = [0, 1, 2].flatMap((n) => placed(life(n), n * 100))
  await record(database, lives)
  await pack(database)
  const facts = 3 * (chunks + 2)
  expect(await counts(database)).toEqual([{ rows: facts, packed: 0, facts }])
  const unarchived = await database.rows(
    'select * from :schema.ledger_history where partition_id is not null order by event_id',
  )
  await record(database, placed([planned(3), archived], 900), 1)
  const before = await hashOf(database)

  await pack(database)
  expect(await counts(database)).toEqual([{ rows: 0, packed: 3, facts }])
  expect(await hashOf(database)).toEqual(before)
  expect(
    await database.rows(`select * from :schema.ledger_history where partition_id is not null order by event_id`),
  ).toEqual(unarchived)
  const { events } = await loadFacts(database.pool, database.schema, { partitionId: partitionId(1) })
  expect(events.filter(({ type }) => type === 'partition.progressed')).toHaveLength(chunks)
  const [sizes] = await database.rows(
    `select (select sum(pg_column_size(facts)) from :schema.ledger_packed)::int as packed,
            (select sum(octet_length(event::text)) from :schema.ledger_history where partition_id is not null)::int as loose`,
  )
  expect(Number(sizes?.['packed'])).toBeLessThan(Number(sizes?.['loose']) / 4)
}, 60_000)

test('what is told again of a packed partition is a copy, and of the one that is new the history is packed again', async () => {
  const database = await controlDatabase()
  const all = [...placed(life(0), 0), ...placed(life(1), 100)]
  await record(database, [...all, ...placed([planned(2), archived], 900)])
  await pack(database)
  const before = await hashOf(database)

  await record(database, placed(life(0), 500))
  expect(await counts(database)).toMatchObject([{ packed: 1, facts: 2 * (chunks + 2) }])
  expect(await hashOf(database)).toEqual(before)
  await pack(database)
  expect(await counts(database)).toEqual([{ rows: 0, packed: 2, facts: 2 * (chunks + 2) }])
  expect(await hashOf(database)).toEqual(before)

  const [, chunk] = life(0)
  const lie = { ...(chunk as ReturnType<typeof progressed>), cursor: 'elsewhere', at: '2026-11-23T12:59:00.000000Z' }
  await record(database, placed([lie], 700))
  expect(
    await database.rows(`select event ->> 'cursor' as cursor from :schema.ledger_contradiction order by 1`),
  ).toEqual([{ cursor: 'elsewhere' }, { cursor: null }])
}, 60_000)

test('a run is left alone while its record is not whole', async () => {
  const database = await controlDatabase()
  const { pool, schema } = database
  await record(database, placed([...life(0), ...life(1).slice(0, -1), archived], 0))
  expect(await openArchives(pool, schema)).toEqual([])
  await record(database, placed(life(1).slice(-1), 100))
  expect(await openArchives(pool, schema), 'without its plan').toEqual([])
  await record(database, placed([planned(3)], 200), 1)
  expect(await openArchives(pool, schema), 'without one of its partitions').toEqual([])
  await record(database, placed(life(2), 300), 2)
  expect(await openArchives(pool, schema)).toEqual([{ runId, wanted: '1' }])
}, 60_000)

test('whatever is packed whenever, the ledger of the same events is the same', async () => {
  const database = await controlDatabase()
  const { pool, schema } = database
  const empty = (): Promise<unknown> =>
    database.rows(`truncate ${ledgerTables.map((table) => `:schema.${table}`).join(', ')}`)
  const hold = holdTopicPartition(schema, { topic: 'status', topicPartition: 0, nextOffset: '0' })
  const packed: number[] = []
  const packSome = async (isChosen: () => boolean): Promise<void> => {
    const rows = await database.rows('select partition_id from :schema.ledger_partition where not packed')
    const ids = rows.map((row) => String(row['partition_id'])).filter(isChosen)
    packed.push(await withTransaction(pool, (client) => packFacts(client, `"${schema}"`, ids), undefined, hold))
  }
  const property = fc.asyncProperty(
    toldInAnyOrder,
    fc.infiniteStream(fc.boolean()),
    async ({ once, again }, choices) => {
      await empty()
      await record(database, once)
      const { hash } = await ledgerHash(pool, schema)
      await empty()
      for (let at = 0; at < again.length; at += 3) {
        await record(database, again.slice(at, at + 3))
        await packSome(() => choices.next().value === true)
      }
      expect((await ledgerHash(pool, schema)).hash).toBe(hash)
    },
  )
  await fc.assert(property, { numRuns: 60 })
  expect(packed.reduce((sum, facts) => sum + facts, 0)).toBeGreaterThan(60)
}, 300_000)
