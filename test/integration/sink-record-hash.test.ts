// Risk: the content hash computed here is not the one the server computes over what it stored, or the stored value is
// not the value that was sent.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { noTotals } from '../../src/contract/certificate.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { columnTypes } from '../../src/postgres/column-encoder.ts'
import { verifyRecordHash } from '../../src/postgres/record-hash.ts'
import { recordHashSamples } from '../../src/postgres/record-hash-samples.ts'
import type { Sink } from '../../src/sink/sink.ts'
import { createTestSchema, insertSink, type TestSchema } from '../conformance/sink-postgres.ts'

const types = Object.values(columnTypes).map(({ name }) => name)
let own: TestSchema
beforeAll(async () => {
  own = await createTestSchema(4)
})
afterAll(() => own.drop())

/** Writes rows as the only chunk of a partition, and returns the certificates of both sides. */
async function sendAll(sink: Sink, rows: readonly AnyRow[], from: number, to: number) {
  const holding = {
    runId: randomUUID(),
    partitionId: randomUUID(),
    backfill: 'values',
    index: 0,
    range: { kind: 'integer', from: String(from), to: String(to) } as const,
    worker: 'worker-1',
    topicPartition: 0,
  }
  const claim = await sink.claim(holding)
  if (claim.kind !== 'claimed') throw new Error(`the claim is ${claim.kind}`)
  const buffer = sink.buffer(holding.range)
  for (const row of rows) buffer.add(row)
  const sent = { rows: buffer.rows, contentHash: buffer.contentHash.toString() }
  const added = {
    ...noTotals,
    rowsRead: rows.length,
    rowsWritten: rows.length,
    chunks: 1,
    contentHash: sent.contentHash,
  }
  await sink.commit({
    holding,
    before: claim.checkpoint,
    to: String(to),
    cursor: String(to),
    last: true,
    added,
    buffer,
    rejected: [],
  })
  return { sent, stored: (await sink.stored([holding.range]))?.[0] ?? null }
}

async function tableOf(name: string, columns: readonly string[]): Promise<Sink> {
  await own.pool.query(`create table ${own.schema}.${name} (id int8 primary key, ${columns.join(', ')})`)
  const fields = columns.map((column) => column.split(' ')[0] ?? '')
  return insertSink(own, name, z.object(Object.fromEntries(['id', ...fields].map((field) => [field, z.unknown()]))))
}

test('the server’s record hash is the one computed here', async () => {
  await expect(verifyRecordHash(own.pool)).resolves.toBeUndefined()
})

describe('every sample of every type arrives as it is, and hashes alike', () => {
  test.each(types)('%s', async (type) => {
    const sink = await tableOf(`sample_${type}`, [`v ${type}`])
    const samples = recordHashSamples(type)
    const rows = samples.map(({ value }, id) => ({ id, v: value }))
    const { sent, stored } = await sendAll(sink, rows, 0, samples.length)
    expect(stored).toEqual(sent)
    const { rows: wrong } = await own.pool.query(
      `select s.* , t.v::text as stored from unnest($1::text[]) with ordinality as s(expected, place)
         left join ${own.schema}.sample_${type} t on t.id = s.place - 1
        where t.id is null or ${type === 'json' ? 't.v::jsonb::text is distinct from s.expected::jsonb::text' : `t.v::text is distinct from (s.expected::${type})::text`}`,
      [samples.map(({ text }) => text)],
    )
    expect(wrong).toEqual([])
  })

  test('all types in one row, nulls among them', async () => {
    const sink = await tableOf(
      'sample_all',
      types.map((type) => `v_${type} ${type}`),
    )
    const samples = types.map((type) => [`v_${type}`, recordHashSamples(type)] as const)
    const rows = Array.from({ length: 240 }, (_, id) => ({
      id,
      ...Object.fromEntries(samples.map(([name, values]) => [name, values[id]?.value])),
    }))
    const { sent, stored } = await sendAll(sink, rows, 0, 240)
    expect(stored).toEqual(sent)
  })
})

test('values that the server rounds are hashed as it stores them', async () => {
  const sink = await tableOf('limited', [
    'money numeric(8,2)',
    'hundreds numeric(8,-2)',
    'small numeric(3,5)',
    'second timestamptz(0)',
    'milli timestamp(3)',
  ])
  const rows = [0, 0.5, 1.005, -1.005, 99_999.994, 123.455]
    .map((value, id) => ({
      id,
      money: value,
      hundreds: value * 10,
      small: value / 100_000,
      second: `1999-12-31T23:59:59.${String(id * 100_000).padStart(6, '0')}Z`,
      milli: `2026-01-31T23:59:59.${String(999_499 + id).padStart(6, '0')}Z`,
    }))
    .filter(({ small }) => Math.abs(small) < 0.0099)
  const { sent, stored } = await sendAll(sink, rows, 0, 10)
  expect(stored).toEqual(sent)
})

test('random rows of any values hash on the server as they do here', async () => {
  const sink = await tableOf('anything', [
    'whole int8',
    'four int4',
    'two int2',
    'truth bool',
    'float float8',
    'single float4',
    'amount numeric',
    'name text',
    'code varchar(20)',
    'bytes bytea',
    'at timestamptz',
    'local timestamp',
    'day date',
    'key uuid',
    'data jsonb',
    'doc json',
  ])
  const clean = (unit: 'grapheme' | 'binary', maxLength: number) =>
    fc.string({ unit, maxLength }).filter((text) => !text.includes('\0') && text.isWellFormed())
  const moment = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n })
  const jsonValue = fc
    .jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })
    .filter((value) => value !== null && !JSON.stringify(value).includes('\\u0000'))
  const row = fc.record({
    whole: fc.option(fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))),
    four: fc.option(fc.integer()),
    two: fc.option(fc.integer({ min: -32_768, max: 32_767 })),
    truth: fc.option(fc.boolean()),
    float: fc.option(fc.double()),
    single: fc.option(fc.float()),
    amount: fc.option(
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.bigInt(),
        fc.tuple(fc.bigInt(), fc.nat()).map(([a, b]) => `${a}.${b}`),
      ),
    ),
    name: fc.option(clean('binary', 100)),
    code: fc.option(clean('binary', 10)),
    bytes: fc.option(fc.uint8Array({ maxLength: 60 })),
    at: fc.option(
      fc.oneof(moment, fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })),
    ),
    local: fc.option(moment),
    day: fc.option(fc.integer({ min: -700_000, max: 2_000_000 }).map((days) => new Date(days * 86_400_000))),
    key: fc.option(fc.uuid()),
    data: fc.option(jsonValue),
    doc: fc.option(jsonValue),
  })
  let from = 0
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 50 }), async (rows) => {
      from += 100
      const { sent, stored } = await sendAll(
        sink,
        rows.map((values, i) => ({ ...values, id: from + i })),
        from,
        from + 100,
      )
      expect(stored).toEqual(sent)
    }),
    { numRuns: 60 },
  )
})
