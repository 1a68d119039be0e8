import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { fc, test } from '@fast-check/vitest'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Conversion } from '../../src/files/page-values.ts'
import { ParquetFile } from '../../src/files/parquet-file.ts'

let folder = ''
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-parquet-'))
})
afterAll(() => rm(folder, { recursive: true }))

type Options = Parameters<typeof parquetWriteBuffer>[0]

async function written(options: Options): Promise<ParquetFile> {
  const path = join(folder, `${files++}.parquet`)
  await writeFile(path, Buffer.from(parquetWriteBuffer(options)))
  return ParquetFile.open(path)
}

/** Plain values, so that they can be compared: bigints where the column has 64 bits. */
const asIs: Conversion = {
  convert: (value) => (Buffer.isBuffer(value) ? value.toString('latin1') : value),
  shared: true,
  finish: null,
  absent: { value: null },
}

const compressors: NonNullable<Options['compressors']> = {
  ZSTD: (bytes) => zstdCompressSync(bytes),
  GZIP: (bytes) => gzipSync(bytes),
  BROTLI: (bytes) => brotliCompressSync(bytes),
}

const columns = fc.constantFrom(
  {
    type: 'INT32',
    encodings: ['PLAIN', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT'],
    value: fc.integer(),
  },
  {
    type: 'INT64',
    encodings: ['PLAIN', 'RLE_DICTIONARY', 'DELTA_BINARY_PACKED', 'BYTE_STREAM_SPLIT'],
    value: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -9n, max: 9n })),
  },
  { type: 'DOUBLE', encodings: ['PLAIN', 'RLE_DICTIONARY', 'BYTE_STREAM_SPLIT'], value: fc.double({ noNaN: true }) },
  { type: 'BOOLEAN', encodings: ['PLAIN', 'RLE'], value: fc.boolean() },
  {
    type: 'STRING',
    encodings: ['PLAIN', 'RLE_DICTIONARY', 'DELTA_LENGTH_BYTE_ARRAY', 'DELTA_BYTE_ARRAY'],
    value: fc.oneof(fc.constantFrom('ABE', 'JFK', ''), fc.stringMatching(/^[a-z]{0,40}$/)),
  },
) as fc.Arbitrary<{ type: 'INT32'; encodings: ('PLAIN' | 'RLE_DICTIONARY')[]; value: fc.Arbitrary<unknown> }>

const cases = columns.chain(({ type, encodings, value }) =>
  fc.record({
    type: fc.constant(type),
    encoding: fc.constantFrom(...encodings),
    nullable: fc.boolean(),
    values: fc.array(fc.tuple(value, fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 400 }),
    codec: fc.constantFrom(
      'UNCOMPRESSED' as const,
      'SNAPPY' as const,
      'ZSTD' as const,
      'GZIP' as const,
      'BROTLI' as const,
    ),
    pageSize: fc.constantFrom(64, 500, 1_000_000),
    rowGroupSize: fc.integer({ min: 1, max: 400 }),
  }),
)

describe('ParquetFile', () => {
  test.prop([cases, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 })], { numRuns: 300 })(
    'reads what was written, in any encoding, by any steps, and after passing over any rows',
    async ({ type, encoding, nullable, values, codec, pageSize, rowGroupSize }, steps) => {
      // The dictionary of hyparquet-writer takes -0 and 0 for one value, whichever comes first.
      const writable = (value: unknown): unknown => (encoding === 'RLE_DICTIONARY' && value === 0 ? 0 : value)
      const data = values.map(([value, kind]) => (nullable && kind === 0 ? null : writable(value)))
      const column = { name: 'c', data, type, nullable, encoding }
      const file = await written({ columnData: [column], codec, compressors, pageSize, rowGroupSize })
      try {
        let first = 0
        for (const [rowGroup, rows] of file.rowGroups.entries()) {
          const expected = data.slice(first, first + rows).map(exact)
          for (const start of new Set([0, Math.floor(rows / 2), rows - 1])) {
            const reader = file.column(rowGroup, 'c', asIs)
            await reader.skip(start)
            const out: unknown[] = []
            for (let [at, step] = [0, 0]; at < rows - start; step++) {
              const take = Math.min(steps[step % steps.length] ?? 1, rows - start - at)
              await reader.read(out, at, take)
              at += take
            }
            expect(out).toEqual(expected.slice(start))
          }
          first += rows
        }
        expect(first).toBe(data.length)
      } finally {
        await file.close()
      }
    },
  )

  it('knows from the statistics that a column has no nulls', async () => {
    const file = await written({
      columnData: [
        { name: 'full', data: [1, 2], type: 'INT32', nullable: true },
        { name: 'holey', data: [1, null], type: 'INT32', nullable: true },
      ],
    })
    expect([file.hasNoNulls('full'), file.hasNoNulls('holey')]).toEqual([true, false])
    await file.close()
  })

  it('reads lists', async () => {
    const file = await written({
      schema: [
        { name: 'root', num_children: 1 },
        { name: 'tags', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      ],
      columnData: [{ name: 'tags', data: [['a', 'b'], [], ['c']] }],
    })
    expect(file.columns.map(({ type }) => type.kind)).toEqual(['nested'])
    const out: unknown[] = []
    await file.nestedColumn(0, 'tags', (value) => value).read(out, 0, 3)
    expect(out).toEqual([['a', 'b'], [], ['c']])
    await file.close()
  })
})

/** INT64 comes as a number where that is exact. */
const exact = (value: unknown): unknown =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
