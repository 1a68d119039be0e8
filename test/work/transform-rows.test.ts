import { expect, test } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { type Backfill, defineBackfill, skip } from '../../src/define/define-backfill.ts'
import { files } from '../../src/define/files.ts'
import { partition } from '../../src/define/partition-by.ts'
import { postgres } from '../../src/define/postgres.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { CopyBuffer, type CopyLimits, copyLayout } from '../../src/postgres/copy-binary.ts'
import { NoRow } from '../../src/source/no-row.ts'
import { transformRows } from '../../src/work/transform-rows.ts'
import { column } from '../postgres/columns.ts'

const schema = z.object({ n: z.int() })

interface Given {
  readonly transform?: Backfill['transform']
  readonly rejectable?: number
  readonly limits?: CopyLimits
  readonly givenUp?: AbortSignal
  readonly redact?: readonly 'n'[]
}

/** The account of a chunk of rows n = 0, 1, 2 …, and the numbers that were written. */
const transformed = (
  count: number,
  transform: Backfill['transform'],
  rejectable = 0,
  given: Pick<Given, 'limits' | 'givenUp'> = {},
) =>
  transformedRows(
    Array.from({ length: count }, (_, n) => ({ n })),
    { ...given, transform, rejectable },
  )

async function transformedRows(
  rows: readonly AnyRow[],
  { transform = null, rejectable = 0, limits, givenUp = new AbortController().signal, redact = [] }: Given,
) {
  const backfill = defineBackfill({
    id: 'numbers',
    source: files.parquet('numbers.parquet', { schema, position: 'position' }),
    partitionBy: partition.byRowGroup(),
    sink: postgres.insert('numbers', { schema, range: 'n' }),
    limits: { maxRejectedRows: rejectable },
    redact,
  })
  const buffer = new CopyBuffer(copyLayout([column('n', 'int4')]), 65_536, limits)
  const range = { kind: 'integer' as const, from: '0', to: String(rows.length) }
  const context = { params: {}, partition: { index: 0, range }, signal: AbortSignal.any([]), skip: () => skip }
  const account = await transformRows(rows, {
    ...{ backfill: { ...backfill, transform }, context, buffer, rejectable },
    after: 'the start',
    givenUp,
  })
  const bytes = buffer.finished()
  const written: number[] = []
  // After the header of 19 bytes, each row of one int4: a count of fields, a length, the number.
  for (let at = 19; bytes.readInt16BE(at) !== -1; at += 10) written.push(bytes.readInt32BE(at + 6))
  return { account, written }
}

const n = (row: Record<string, unknown>): number => row.n as number

test('a row becomes a row, several or none, at once or promised', async () => {
  const { account, written } = await transformed(7, (row, ctx) => {
    switch (n(row)) {
      case 0:
        return { n: 10 }
      case 1:
        return [{ n: 11 }, { n: 12 }]
      case 2:
        return []
      case 3:
        return null
      case 4:
        return ctx.skip('not wanted')
      case 5:
        return Promise.resolve({ n: 13 })
      default:
        return Promise.resolve(null)
    }
  })
  expect(written).toEqual([10, 11, 12, 13])
  expect(account).toEqual({ rowsRead: 7, rowsFiltered: 4, rejected: [] })
})

test('without a transform the row passes as it is', async () => {
  expect((await transformed(3, null)).written).toEqual([0, 1, 2])
})

test('a row that fails is rejected whole, with its place and its reason, and the others are written', async () => {
  const { account, written } = await transformed(
    4,
    (row) => {
      if (n(row) === 0) throw new Error('no such airport')
      if (n(row) === 1) return [{ n: 21 }, { n: 'x' }]
      if (n(row) === 2) return 'text'
      return row
    },
    3,
  )
  expect(written).toEqual([3])
  expect(account.rowsFiltered).toBe(0)
  expect(account.rejected).toEqual([
    { position: 'row 0 after the start', reason: 'no such airport', row: '{"n":0}' },
    { position: 'row 1 after the start', reason: expect.stringContaining('column "n"'), row: '{"n":1}' },
    { position: 'row 2 after the start', reason: expect.stringContaining("returned 'text'"), row: '{"n":2}' },
  ])
})

test('one bad row more than may be rejected ends the partition, naming the limit', async () => {
  const bad = transformed(2, () => Promise.reject(new Error('no such airport')), 1)
  await expect(bad).rejects.toThrow(TerminalError)
  await expect(bad).rejects.toMatchObject({
    code: 'ERROR_BUDGET_SPENT',
    row: '{"n":1}',
    message: expect.stringMatching(/^row 1 after the start: no such airport.*maxRejectedRows is 1/),
  })
})

test('without a budget the first bad row is invalid', async () => {
  const bad = transformed(2, () => undefined)
  await expect(bad).rejects.toMatchObject({ code: 'ROW_INVALID', row: '{"n":0}' })
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'returned nothing (a return is missing)'],
  ['a number', 7, 'returned 7'],
  ['a bigint', 7n, 'returned 7n'],
  ['a symbol', Symbol('x'), 'returned Symbol(x)'],
  ['a function', () => 1, 'returned [Function'],
  ['an array in an array', [[{ n: 1 }]], 'returned [ { n: 1 } ]'],
  ['null in an array', [{ n: 1 }, null], 'returned null'],
  ['a row of another type', { n: 'x' }, 'column "n" is int4'],
])('%s instead of a row is rejected, and says so', async (_what, garbage, reason) => {
  const { account, written } = await transformed(2, (row) => (n(row) === 0 ? garbage : row), 1)
  expect(written).toEqual([1])
  expect(account.rejected).toEqual([
    { position: 'row 0 after the start', reason: expect.stringContaining(reason), row: '{"n":0}' },
  ])
})

test('a row that is changed by the transform changes no other', async () => {
  const { written } = await transformed(3, (row) => {
    row.n = n(row) * 10
    return row
  })
  expect(written).toEqual([0, 10, 20])
})

test('a row that is larger than one may be is rejected, and the others are written', async () => {
  const { account, written } = await transformed(3, (row) => row, 3, { limits: { rowBytes: 9, chunkBytes: 1_000 } })
  expect(written).toEqual([])
  expect(account.rejected).toHaveLength(3)
  expect(account.rejected[0]?.reason).toBe('the row has 10 bytes, limits.maxRowBytes is 9')
})

test('rows that are too much for one chunk are no bad rows', async () => {
  const much = transformed(100, (row) => row, 100, { limits: { rowBytes: 10, chunkBytes: 500 } })
  await expect(much).rejects.toMatchObject({
    code: 'CHUNK_TOO_LARGE',
    message: expect.stringMatching(/^row 48 .*limits.maxChunkBytes is 500$/),
  })
})

test('what a transform answers after its chunk was given up is not wanted, and no further row is asked for', async () => {
  const [given, asked] = [new AbortController(), [] as number[]]
  const answers = Promise.withResolvers<AnyRow>()
  const late = transformed(
    3,
    (row) => {
      asked.push(n(row))
      return answers.promise
    },
    3,
    { givenUp: given.signal },
  )
  given.abort()
  answers.resolve({ n: 1 })
  await expect(late).rejects.toThrow()
  expect(asked).toEqual([0])
})

test('a row that the source leaves out is filtered, and no transform sees it', async () => {
  const seen: number[] = []
  const transform: Backfill['transform'] = (row) => {
    seen.push(n(row))
    return row
  }
  const [bad, leftOut] = [new NoRow({ offset: 7n }, 'it is no JSON'), new NoRow({}, 'a tombstone', true)]
  const rows = [{ n: 0 }, bad, { n: 2 }, leftOut, { n: 4 }]
  const { account, written } = await transformedRows(rows, { transform, rejectable: 1 })
  expect([written, seen]).toEqual([
    [0, 2, 4],
    [0, 2, 4],
  ])
  expect(account).toEqual({
    ...{ rowsRead: 5, rowsFiltered: 1 },
    rejected: [{ position: 'row 1 after the start', reason: 'it is no JSON', row: '{"offset":"7"}' }],
  })
  // Nor is it one of those that may be rejected.
  expect((await transformedRows([leftOut], { rejectable: 0 })).account).toMatchObject({ rowsRead: 1, rowsFiltered: 1 })
})

test('a row that the source could not make is rejected with its reason, or is one too many', async () => {
  const bad = new NoRow({ n: 'many' }, 'a.csv, byte 7: column "n" is "many", which is no whole number')
  const line = new NoRow('1;2', 'a.csv, byte 12: the record has 1 field, the file 2 columns')
  const { account, written } = await transformedRows([{ n: 1 }, bad, line, { n: 2 }], { rejectable: 2 })
  expect(written).toEqual([1, 2])
  expect(account).toEqual({
    rowsRead: 4,
    rowsFiltered: 0,
    rejected: [
      { position: 'row 1 after the start', reason: bad.reason, row: '{"n":"many"}' },
      { position: 'row 2 after the start', reason: line.reason, row: '{"line":"1;2"}' },
    ],
  })
  await expect(transformedRows([bad], { rejectable: 0 })).rejects.toMatchObject({
    ...{ code: 'ROW_INVALID', row: '{"n":"many"}' },
    message: `row 0 after the start: ${bad.reason}. No more rows may be rejected (limits.maxRejectedRows is 0)`,
  })
})

test('nothing that is to be redacted is told of a row that the source could not make', async () => {
  const bad = new NoRow({ n: 'many', m: '1' }, 'a.csv, byte 7: column "n" is "many", which is no whole number')
  const line = new NoRow('many', 'a.csv, byte 12: the record has 1 field, the file 2 columns')
  const { account } = await transformedRows([bad, line], { rejectable: 2, redact: ['n'] })
  expect(account.rejected).toEqual([
    expect.objectContaining({
      reason: 'a.csv, byte 7: column "n" is "[redacted]", which is no whole number',
      row: '{"n":"[redacted]","m":"1"}',
    }),
    expect.objectContaining({ reason: line.reason, row: '{}' }),
  ])
})
