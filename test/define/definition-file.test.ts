import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { TerminalError } from '../../src/contract/errors.ts'
import type { Backfill } from '../../src/define/define-backfill.ts'
import { readDefinitionFile } from '../../src/define/definition-file.ts'

const folder = await mkdtemp(join(tmpdir(), 'tidemark-files-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function read(text: string): Promise<Backfill> {
  const file = join(folder, 'a.backfill.yaml')
  await writeFile(file, text)
  return readDefinitionFile(file)
}
const reasons = (text: string): Promise<readonly string[]> =>
  read(text).then(
    () => [],
    (error: TerminalError) => error.reasons,
  )

const orders = `
id: copy-orders
params:
  from: { type: date }
  to: { type: date, default: "2025-01-01" }
source: { kind: postgres.table, table: public.orders, key: id }
columns: { id: bigint, created_at: text, amount: "text?", paid: boolean }
partitionBy: { by: time, column: created_at, every: P1D, timezone: Europe/Berlin, bounds: { from: from, to: to } }
sink: { kind: postgres.insert, table: public.orders_copy, range: created_at, database: WAREHOUSE_URL }
limits: { chunkRows: 1000 }
redact: [amount]
`

describe('a definition as a file', () => {
  it('is what defineBackfill makes of the same words', async () => {
    const backfill = await read(orders)
    expect(backfill).toMatchObject({
      id: 'copy-orders',
      source: { kind: 'postgres.table', table: 'public.orders', key: ['id'], database: 'DATABASE_URL' },
      partitionBy: {
        kind: 'time',
        column: 'created_at',
        every: 'P1D',
        timezone: 'Europe/Berlin',
        bounds: { from: 'from', to: 'to' },
      },
      sink: { kind: 'postgres.insert', table: 'public.orders_copy', range: 'created_at', database: 'WAREHOUSE_URL' },
      transform: null,
      redact: ['amount'],
    })
    expect(backfill.limits.chunkRows).toBe(1_000)
    expect(backfill.params.parse({ from: '2024-01-01' })).toEqual({ from: '2024-01-01', to: '2025-01-01' })
    const row = { id: 1n, created_at: '2024-01-01T00:00:00Z', amount: null, paid: true }
    expect(await backfill.sink.schema['~standard'].validate(row)).toEqual({ value: row })
    expect(await backfill.sink.schema['~standard'].validate({ ...row, paid: null })).toHaveProperty('issues')
  })

  it.each([
    ['by: key, column: id, size: 500', { kind: 'key', column: 'id', size: 500n, bounds: null }],
    ['by: quantiles, column: id', { kind: 'quantiles', columns: ['id'], rows: 250_000, timezone: 'UTC', bounds: null }],
    [
      'by: quantiles, column: [tenant, id], rows: 10',
      { kind: 'quantiles', columns: ['tenant', 'id'], rows: 10, timezone: 'UTC', bounds: null },
    ],
    ['by: list, column: id, values: ids, size: 50', { kind: 'list', column: 'id', values: 'ids', size: 50 }],
    // The sink owns a range of its column: there is nothing to choose.
    [
      'by: auto, rows: 1000',
      { kind: 'quantiles', columns: ['created_at'], rows: 1_000, timezone: 'UTC', bounds: null },
    ],
  ])('may be cut %s', async (by, expected) => {
    expect((await read(orders.replace(/partitionBy: .*/, `partitionBy: { ${by} }`))).partitionBy).toEqual(expected)
  })

  it('may be cut by hashes, if the sink owns no range, which would be one of hashes', async () => {
    const hashed = orders.replace(/partitionBy: .*/, 'partitionBy: { by: hash, column: id, partitions: 8 }')
    expect(await reasons(hashed)).toEqual([
      'range "created_at" of postgres.insert cannot hold the hash by which the source is cut: use postgres.upsert without a range',
    ])
    const blocks = orders.replace(/partitionBy: .*/, 'partitionBy: { by: blocks }')
    expect(await reasons(blocks)).toEqual([
      'range "created_at" of postgres.insert cannot hold the block of the table by which the source is cut: use postgres.upsert without a range',
    ])
    const upsert = hashed.replace(/sink: .*/, 'sink: { kind: postgres.upsert, table: public.orders_copy, key: [id] }')
    expect((await read(upsert)).partitionBy).toEqual({ kind: 'hash', column: 'id', partitions: 8 })
  })

  it('may read files, upsert, and be JSON', async () => {
    const backfill = await read(
      JSON.stringify({
        id: 'trips',
        source: { kind: 'files.parquet', path: 'trips/*.parquet', position: 'trip_no' },
        columns: { trip_no: 'int', fare: 'number?' },
        partitionBy: { by: 'rowGroup' },
        sink: { kind: 'postgres.upsert', table: 'trips', key: ['trip_no'] },
      }),
    )
    expect(backfill.source).toMatchObject({ kind: 'files.parquet', paths: ['trips/*.parquet'], position: 'trip_no' })
    expect(backfill.sink).toMatchObject({ key: ['trip_no'], range: null })
  })

  it('may read a topic, whose own fields are columns too', async () => {
    const backfill = await read(`
id: copy-orders
source: { kind: kafka.topic, topic: orders, fields: { topicPartition: part, offset: place, key: k }, tombstones: skip, brokers: SHOP_KAFKA_BROKERS }
columns: { part: int, place: bigint, k: text?, amount: number }
partitionBy: { by: offsets, records: 1000 }
sink: { kind: postgres.upsert, table: public.orders, key: [part, place] }
`)
    expect(backfill.source).toMatchObject({
      ...{ kind: 'kafka.topic', topic: 'orders', value: 'json', position: null, tombstones: 'skip' },
      ...{ fields: { topicPartition: 'part', offset: 'place', key: 'k' }, brokers: 'SHOP_KAFKA_BROKERS' },
    })
    expect((backfill.source.schema as z.ZodObject).def.shape).toEqual({ amount: expect.anything() })
    expect(backfill.partitionBy).toEqual({ kind: 'offsets', records: 1_000 })
  })

  it('may read files of text, with all their options or none', async () => {
    const text = (source: string): string =>
      orders
        .replace(/source: .*/, `source: { ${source} }`)
        .replace(/partitionBy: .*/, 'partitionBy: { by: bytes }')
        .replace('created_at, database', 'place, database')
        .replace('columns: {', 'columns: { place: int,')
    const csv = await read(text('kind: files.csv, path: "a/*.csv", position: place'))
    const usual = { position: 'place', maxRecordBytes: 16_777_216 }
    expect(csv.source).toMatchObject({
      ...{ kind: 'files.csv', paths: ['a/*.csv'], header: true, delimiter: ',', quote: '"', quotedNewlines: true },
      ...usual,
    })
    expect(csv.partitionBy).toEqual({ kind: 'bytes', bytes: 67_108_864 })
    const said = 'header: [a, b], delimiter: "\\t", quote: null, quotedNewlines: false, maxRecordBytes: 9'
    expect((await read(text(`kind: files.csv, path: [a.csv, b.csv], position: place, ${said}`))).source).toMatchObject({
      ...{ paths: ['a.csv', 'b.csv'], header: ['a', 'b'], delimiter: '\t', quote: null, quotedNewlines: false },
      ...{ maxRecordBytes: 9, position: 'place' },
    })
    const ndjson = await read(
      text('kind: files.ndjson, path: a.ndjson, position: place').replace('bytes }', 'bytes, bytes: 5 }'),
    )
    expect(ndjson.source).toMatchObject({ kind: 'files.ndjson', paths: ['a.ndjson'], ...usual })
    expect(ndjson.partitionBy).toEqual({ kind: 'bytes', bytes: 5 })
    // The place comes from where the row stands, and is no column of the file.
    expect(
      await ndjson.source.schema['~standard'].validate({ id: 1n, created_at: '', amount: null, paid: true }),
    ).not.toHaveProperty('issues')
  })

  it.each([
    ['kind: files.csv, path: a.csv', 'by: rows, rows: 5', 'partitionBy "rows" does not fit source "files.csv"'],
    ['kind: files.ndjson, path: a.ndjson', 'by: auto', 'does not fit source "files.ndjson"'],
    ['kind: files.parquet, path: a.parquet', 'by: bytes', 'does not fit source "files.parquet"'],
    ['kind: postgres.table, table: a, key: id', 'by: bytes', 'does not fit source "postgres.table"'],
    ['kind: kafka.topic, topic: a', 'by: bytes', 'does not fit source "kafka.topic"'],
  ])('refuses %s cut %s', async (source, by, reason) => {
    const given = orders
      .replace(/source: .*/, `source: { ${source} }`)
      .replace(/partitionBy: .*/, `partitionBy: { ${by} }`)
      .replace('postgres.insert, table: public.orders_copy, range: created_at', 'postgres.upsert, table: t, key: [id]')
    expect(await reasons(given)).toEqual([
      expect.stringContaining(`${reason}: files.parquet is cut by rowGroup or rows, files.csv is cut by bytes, `),
    ])
  })

  it.each([
    ['path: a.csv', 'has to hold the place of the row in its files: name a field for it with position'],
    ['path: a.csv, position: id', 'has to hold the place of the row in its files, which is in "id"'],
  ])('refuses a range that does not hold the places of rows of text files: %s', async (source, reason) => {
    const given = orders
      .replace(/source: .*/, `source: { kind: files.csv, ${source} }`)
      .replace(/partitionBy: .*/, 'partitionBy: { by: bytes }')
    expect(await reasons(given)).toEqual([`range "created_at" of postgres.insert ${reason}`])
  })

  it.each([
    ['topic: t', 'has to hold the place of the row in its topic: name a field for it with position'],
    ['topic: t, position: id', 'has to hold the place of the row in its topic, which is in "id"'],
  ])('refuses a range that does not hold the places of records of a topic: %s', async (source, reason) => {
    const given = orders
      .replace(/source: .*/, `source: { kind: kafka.topic, ${source} }`)
      .replace(/partitionBy: .*/, 'partitionBy: { by: offsets, records: 5 }')
    expect(await reasons(given)).toEqual([`range "created_at" of postgres.insert ${reason}`])
  })

  it('tells every mistake at once, with its place and its value', async () => {
    const wrong = orders
      .replace('table: public.orders,', 'tabel: public.orders,')
      .replace('paid: boolean', 'paid: bool')
      .replace('id: copy-orders', 'id: Copy Orders')
    expect(await reasons(wrong)).toEqual([
      expect.stringMatching(/^id: .*, got "Copy Orders"$/),
      'source.table: Invalid input: expected string, received undefined',
      'source: unknown field "tabel"',
      expect.stringMatching(/^columns.paid: Invalid option: .*, got "bool"$/),
    ])
  })

  it('tells where it is no YAML', async () => {
    expect((await reasons('id: a\n  source: [')).join()).toMatch(/ at line \d+, column \d+/)
    expect((await reasons('id: a\nid: b\n')).join()).toMatch(/Map keys must be unique at line 2/)
  })

  it('is looked at as a whole, as one in code is', async () => {
    expect(await reasons(orders.replace(/partitionBy: .*/, 'partitionBy: { by: rowGroup }'))).toEqual([
      expect.stringContaining('partitionBy "rowGroup" does not fit source "postgres.table"'),
    ])
    expect(await reasons(orders.replace('chunkRows: 1000', 'chunkRows: 0'))).toEqual([
      expect.stringContaining('chunkRows'),
    ])
  })
})
