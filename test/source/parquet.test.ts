import { readFile, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { files } from '../../src/define/files.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { openParquetSource } from '../../src/source/parquet.ts'
import type { Source } from '../../src/source/source.ts'
import { type ParquetContent, type ParquetFolder, parquetFolder } from '../support/parquet-folder.ts'

const { signal } = new AbortController()
const byRowGroup = { kind: 'rowGroup' as const }

async function folderWith(content: Record<string, ParquetContent>): Promise<ParquetFolder> {
  const folder = await parquetFolder()
  onTestFinished(() => folder.remove())
  for (const [name, parquet] of Object.entries(content)) await folder.write(name, parquet)
  return folder
}

const column = (
  name: string,
  data: unknown[],
  type: 'INT32' | 'INT64' | 'DOUBLE' | 'STRING' | 'TIMESTAMP' | 'BYTE_ARRAY',
) => ({
  name,
  data,
  type,
})
const flights: ParquetContent = {
  columnData: [column('delay', [1, 2, 3, 4], 'INT32'), column('origin', ['ABE', 'JFK', 'ABE', 'LAX'], 'STRING')],
  rowGroupSize: 2,
}
const Flight = z.object({ delay: z.int(), origin: z.string() })

function open(folder: ParquetFolder, paths: string | string[], schema: RowSchema<AnyRow>, position?: string): Source {
  return openParquetSource(files.parquet(paths, position === undefined ? { schema } : { schema, position }), {
    folder: folder.path,
  })
}

async function readAll(source: Source): Promise<AnyRow[]> {
  const rows: AnyRow[] = []
  for (const { from, to, locator } of cut(await source.pin(byRowGroup, {}, signal), byRowGroup))
    for await (const page of source.read({ range: { kind: 'integer', from, to }, locator }, null, 100, signal))
      rows.push(...page.rows)
  return rows
}

async function problemsOf(action: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await action.catch((reason: unknown) => reason)
  if (!(error instanceof TerminalError)) throw new Error(`expected a TerminalError, got ${String(error)}`)
  expect(error.code).toBe('SOURCE_NOT_READABLE')
  return error.reasons
}

describe('what check finds', () => {
  it('names every path that gives nothing, where it was looked for, and what to do', async () => {
    const folder = await folderWith({})
    const problems = await problemsOf(open(folder, ['a.parquet', 'data/*.parquet', '.'], Flight).check(signal))
    expect(problems).toEqual([
      `${join(folder.path, 'a.parquet')} is missing ("a.parquet", relative to ${folder.path}): put the file there, or correct the path`,
      `no file matches "data/*.parquet" in ${folder.path} (${join(folder.path, 'data/*.parquet')}): put files there, or correct the pattern`,
      `${folder.path} is a folder: name its files, as in "./*.parquet"`,
    ])
  })

  it('names files that are truncated or no Parquet, with their sizes, all at once', async () => {
    const folder = await folderWith({ 'a.parquet': flights })
    await writeFile(join(folder.path, 'b.parquet'), 'not Parquet at all')
    await truncate(join(folder.path, 'a.parquet'), 100)
    const problems = await problemsOf(open(folder, '*.parquet', Flight).check(signal))
    expect(problems).toEqual([
      expect.stringMatching(/a\.parquet \(100 bytes\) is not a whole Parquet file/),
      expect.stringMatching(/b\.parquet \(18 bytes\) is not a whole Parquet file/),
    ])
  })

  it('names every column that contradicts the schema', async () => {
    const folder = await folderWith({ 'a.parquet': flights })
    const schema = z.object({ delay: z.string(), orign: z.string(), origin: z.date() })
    const path = join(folder.path, 'a.parquet')
    expect(await problemsOf(open(folder, 'a.parquet', schema, 'delay').check(signal))).toEqual([
      `${path}: column "delay" is declared z.string(), but it is INT32, which can be z.bigint() or z.int() or z.number()`,
      `${path}: column "orign" is missing: did you mean "origin"?`,
      `${path}: column "origin" is declared z.date(), but it is BYTE_ARRAY UTF8, which can be z.string()`,
      `${path}: position "delay" is also a column: give the position another name`,
    ])
  })
})

describe('what pin gives', () => {
  it('files in the order of their paths, each once, with their row groups', async () => {
    const folder = await folderWith({ 'b.parquet': flights, 'a.parquet': flights })
    const bounds = await open(folder, ['b.parquet', '*.parquet'], Flight).pin(byRowGroup, {}, signal)
    const { length } = await readFile(join(folder.path, 'a.parquet'))
    const file = { bytes: length, modifiedMs: expect.any(Number), rowGroups: [2, 2] }
    expect(bounds).toEqual({
      kind: 'rows',
      files: [
        { path: 'a.parquet', ...file },
        { path: 'b.parquet', ...file },
      ],
    })
  })
})

describe('what read gives', () => {
  it('positions counted through all files', async () => {
    const folder = await folderWith({ 'a.parquet': flights, 'b.parquet': flights })
    const rows = await readAll(open(folder, '*.parquet', Flight, 'number'))
    expect(rows.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(rows[5]).toEqual({ delay: 2, origin: 'JFK', number: 5 })
  })

  it('values as the schema asks for them', async () => {
    const at = new Date('2001-01-31T23:59:59.123Z')
    const folder = await folderWith({
      'a.parquet': {
        columnData: [
          column('big', [2n ** 60n, 1n], 'INT64'),
          column('small', [5n, -5n], 'INT64'),
          column('at', [at, at], 'TIMESTAMP'),
          column('micros', [at, at], 'TIMESTAMP'),
          column('iso', [at, at], 'TIMESTAMP'),
          column('bytes', [Uint8Array.of(1, 255), Uint8Array.of()], 'BYTE_ARRAY'),
          column('legacyText', [Buffer.from('Åre'), Buffer.from('')], 'BYTE_ARRAY'),
          column('state', ['open', 'paid'], 'STRING'),
        ],
      },
    })
    const schema = z.object({
      state: z.enum(['open', 'paid']),
      big: z.bigint(),
      small: z.int(),
      at: z.date(),
      micros: z.bigint(),
      iso: z.string(),
      bytes: z.instanceof(Uint8Array),
      legacyText: z.string(),
    })
    const [first, second] = await readAll(open(folder, 'a.parquet', schema))
    expect(first).toEqual({
      state: 'open',
      big: 2n ** 60n,
      small: 5,
      at,
      micros: 980_985_599_123_000n,
      iso: '2001-01-31T23:59:59.123Z',
      bytes: Uint8Array.of(1, 255),
      legacyText: 'Åre',
    })
    expect(second).toMatchObject({ state: 'paid', small: -5 })
    expect(Object.keys(first ?? {})).toEqual(Object.keys(schema.shape))
    // Rows may be changed by a transform: what can be changed is not shared.
    expect(second?.['at']).not.toBe(first?.['at'])
  })

  it('all columns, checked row by row, when the schema does not tell its fields', async () => {
    const folder = await folderWith({ 'a.parquet': flights })
    const schema = z.record(z.string(), z.union([z.number(), z.string()]))
    expect((await readAll(open(folder, 'a.parquet', schema)))[1]).toEqual({ delay: 2, origin: 'JFK' })
    const numbers = z.record(z.string(), z.number())
    expect(await problemsOf(readAll(open(folder, 'a.parquet', numbers)))).toEqual([
      expect.stringMatching(/^the row at position 0 is refused by the schema: origin: /),
    ])
  })

  it('an error that names file, row and column of a value that does not fit', async () => {
    const folder = await folderWith({
      'a.parquet': {
        columnData: [
          { name: 'delay', data: [1, 2, 3, null], type: 'INT32', nullable: true },
          column('distance', [1n, 2n, 3n, 2n ** 53n], 'INT64'),
          column('state', ['open', 'paid', 'void', 'open'], 'STRING'),
        ],
        rowGroupSize: 2,
      },
    })
    const failing = (schema: RowSchema<AnyRow>) => problemsOf(readAll(open(folder, 'a.parquet', schema)))
    expect(await failing(z.object({ delay: z.int() }))).toEqual([
      expect.stringMatching(/a\.parquet, row 3: column "delay" is null; correct the file or the schema$/),
    ])
    expect(await failing(z.object({ distance: z.int() }))).toEqual([
      expect.stringMatching(
        /row 3: column "distance" is 9007199254740992, which is no whole number that a number holds exactly/,
      ),
    ])
    expect(await failing(z.object({ state: z.enum(['open', 'paid']) }))).toEqual([
      expect.stringMatching(/row 2: column "state" is refused by the schema: Invalid option/),
    ])
  })

  it('no row of a file that was changed after planning', async () => {
    const folder = await folderWith({ 'a.parquet': flights })
    const source = open(folder, 'a.parquet', Flight)
    const [partition] = [...cut(await source.pin(byRowGroup, {}, signal), byRowGroup)]
    const { from = '', to = '', locator = null } = partition ?? {}
    const reading = () =>
      source.read({ range: { kind: 'integer', from, to }, locator }, null, 1, signal)[Symbol.asyncIterator]()
    const path = join(folder.path, 'a.parquet')

    const underway = reading()
    expect((await underway.next()).value).toMatchObject({ cursor: '0', last: false })
    await utimes(path, new Date(), new Date('2020-01-01T00:00:00Z'))
    const changed = expect.stringMatching(
      /is not the file that was planned: it had \d+ bytes of .* of 2020-01-01T00:00:00\.000Z/,
    )
    expect(await problemsOf(underway.next())).toEqual([changed])
    expect(await problemsOf(reading().next())).toEqual([changed])
  })

  it('an error that names the column when the bytes are damaged', async () => {
    const folder = await folderWith({ 'a.parquet': { ...flights, codec: 'UNCOMPRESSED' } })
    const path = join(folder.path, 'a.parquet')
    const bytes = await readFile(path)
    bytes.fill(0xff, 4, 40)
    await writeFile(path, bytes)
    expect(await problemsOf(readAll(open(folder, 'a.parquet', Flight)))).toEqual([
      expect.stringMatching(/a\.parquet, row group 0: column "delay" is damaged \(.*\); write the file again$/),
    ])
  })
})

it('refuses rows of a page after the next page was asked for', async () => {
  const folder = await folderWith({ 'a.parquet': flights })
  const source = open(folder, 'a.parquet', Flight)
  const [partition] = [...cut(await source.pin(byRowGroup, {}, signal), byRowGroup)]
  const { from = '', to = '', locator = null } = partition ?? {}
  const reading = source
    .read({ range: { kind: 'integer', from, to }, locator }, null, 1, signal)
    [Symbol.asyncIterator]()
  const first = (await reading.next()).value
  expect([...first.rows]).toHaveLength(1)
  await reading.next()
  expect(() => [...first.rows]).toThrow('rows of a page were asked for after the next page had been')
})
