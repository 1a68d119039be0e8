import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteWriter } from 'hyparquet-writer'
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ColumnPages } from '../../src/files/column-pages.ts'
import { FlatColumnReader } from '../../src/files/column-reader.ts'
import type { Conversion } from '../../src/files/page-values.ts'
import { ValueError } from '../../src/files/value-error.ts'

const nullable: Conversion = { convert: (value) => value, shared: true, finish: null, absent: { value: null } }

/** A data page of version 1 in PLAIN encoding, as older writers make it; definition levels as one bit-packed run. */
function pageV1(values: readonly (number | null)[]): Uint8Array {
  const body = new ByteWriter()
  const groups = Math.ceil(values.length / 8)
  body.appendUint32(1 + groups)
  body.appendVarInt((groups << 1) | 1)
  for (let group = 0; group < groups; group++) {
    const eight = values.slice(group * 8, group * 8 + 8)
    body.appendUint8(eight.reduce<number>((bits, value, i) => bits | (value === null ? 0 : 1 << i), 0))
  }
  for (const value of values) if (value !== null) body.appendInt32(value)
  const page = new ByteWriter()
  const [dataPage, plain, rle] = [0, 0, 3]
  serializeTCompactProtocol(page, {
    field_1: dataPage,
    field_2: body.offset,
    field_3: body.offset,
    field_5: { field_1: values.length, field_2: plain, field_3: rle, field_4: rle },
  })
  page.appendBytes(body.getBytes())
  return page.getBytes()
}

async function readerOf(
  pages: readonly (readonly (number | null)[])[],
  conversion: Conversion,
): Promise<FlatColumnReader> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-column-'))
  const path = join(folder, 'column')
  const bytes = Buffer.concat(pages.map(pageV1))
  await writeFile(path, bytes)
  const handle = await open(path)
  onTestFinished(async () => {
    await handle.close()
    await rm(folder, { recursive: true })
  })
  const element = { name: 'c', type: 'INT32' as const, repetition_type: 'OPTIONAL' as const }
  return new FlatColumnReader(new ColumnPages(handle, 0, bytes.length), element, 'UNCOMPRESSED', conversion)
}

const pages = [
  [1, null, 2, null, null, 3, 4, 5, null],
  [6, 7],
  [null, null],
]

describe('FlatColumnReader', () => {
  it.each([0, 1, 3, 9, 10, 11, 12])(
    'puts nulls of version 1 pages in their rows, after passing over %i',
    async (skipped) => {
      const reader = await readerOf(pages, nullable)
      await reader.skip(skipped)
      const out: unknown[] = []
      await reader.read(out, 0, 13 - skipped)
      expect(out).toEqual(pages.flat().slice(skipped))
    },
  )

  it('names the row of a null that is refused', async () => {
    const reader = await readerOf(
      [
        [1, 2],
        [3, 4, null],
      ],
      { ...nullable, absent: 'refused' },
    )
    await reader.skip(1)
    await expect(reader.read([], 0, 4)).rejects.toMatchObject({ message: 'is null', index: 3 })
  })

  it('names the row of a value that does not fit, not its place among the values', async () => {
    const convert: Conversion['convert'] = (value) => {
      if (value === 5) throw new ValueError('is 5')
      return value
    }
    const reader = await readerOf(pages, { ...nullable, convert })
    await reader.skip(2)
    await expect(reader.read([], 0, 10)).rejects.toMatchObject({ message: 'is 5', index: 5 })
  })

  it('says that a column ends too early', async () => {
    const reader = await readerOf([[1, 2]], nullable)
    await expect(reader.read([], 0, 3)).rejects.toThrow('the column ends before its row group does')
  })
})
