import { readdir, readlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { TerminalError } from '../../src/contract/errors.ts'
import { files } from '../../src/define/files.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { openCsvSource } from '../../src/source/csv.ts'
import type { Source } from '../../src/source/source.ts'
import { type ReadRow, readPartitions } from '../support/read-partitions.ts'
import { type TextFolder, textFolder } from '../support/text-folder.ts'

const { signal } = new AbortController()
let folder: TextFolder
beforeEach(async () => {
  folder = await textFolder()
  onTestFinished(() => folder.remove())
})

type CsvOptions = Omit<Parameters<typeof files.csv<AnyRow, string>>[1], 'schema'>

const open = (paths: string | string[], schema: RowSchema<AnyRow>, options: CsvOptions = {}): Source =>
  openCsvSource(files.csv<AnyRow, string>(paths, { schema, ...options }), { folder: folder.path })

const readAll = (source: Source, bytes = 1_000_000): Promise<ReadRow[]> =>
  readPartitions(source, { bytes, chunkRows: 100, resumes: false })

async function problemsOf(action: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await action.catch((reason: unknown) => reason)
  if (!(error instanceof TerminalError)) throw new Error(`expected a TerminalError, got ${String(error)}`)
  expect(error.code).toBe('SOURCE_NOT_READABLE')
  return error.reasons
}

describe('what values become', () => {
  const Row = z.object({
    big: z.bigint(),
    int: z.int().nullable(),
    number: z.number().optional(),
    text: z.string(),
    yes: z.boolean().nullable(),
    at: z.date().nullable(),
  })
  const header = 'at,big,int,number,text,yes,unused\n'

  it('is what the schema says, in the order of the schema', async () => {
    await folder.write(
      'a.csv',
      `${header}2024-02-29T12:00:00.5+02:00,9223372036854775808,-7,1.5e3,"a ""b""",TRUE,x\n2024-03-01,+1,007,.5, c ,0,\n`,
    )
    expect(await readAll(open('a.csv', Row))).toEqual([
      {
        ...{ big: 2n ** 63n, int: -7, number: 1500, text: 'a "b"', yes: true },
        at: new Date('2024-02-29T10:00:00.500Z'),
      },
      { big: 1n, int: 7, number: 0.5, text: ' c ', yes: false, at: new Date('2024-03-01T00:00:00Z') },
    ])
  })

  it('an empty field is null where that may be, else the empty text; in quotes it is text', async () => {
    const schema = z.object({
      a: z.string().nullable(),
      b: z.string(),
      c: z.int().nullable(),
      d: z.string().optional(),
    })
    await folder.write('a.csv', 'a,b,c,d\n,,,\n"","","",""\n')
    expect(await readAll(open('a.csv', schema))).toEqual([
      { a: null, b: '', c: null, d: undefined },
      { a: '', b: '', c: null, d: '' },
    ])
  })

  it.each([
    ['big', '1.0', 'column "big" is "1.0", which is no whole number'],
    ['big', '', 'column "big" is empty'],
    [
      'int',
      '9007199254740993',
      'column "int" is "9007199254740993", which is no whole number that a number holds exactly: use z.bigint() or z.string()',
    ],
    [
      'int',
      '0x10',
      'column "int" is "0x10", which is no whole number that a number holds exactly: use z.bigint() or z.string()',
    ],
    ['number', '1e999', 'column "number" is "1e999", which is no number'],
    ['number', 'NaN', 'column "number" is "NaN", which is no number'],
    ['yes', 'yes', 'column "yes" is "yes", which is none of true, false, t, f, 1 and 0'],
    ['at', '2023-02-29', 'column "at" is "2023-02-29", which is no date such as 2026-01-31 or 2026-01-31T00:00:00Z'],
  ])('%s %j makes a bad row, and the others are read', async (column, text, why) => {
    const row = { at: '', big: '1', int: '', number: '', text: '', yes: '', unused: '' }
    const line = (values: object): string => `${Object.values(values).join(',')}\n`
    await folder.write('a.csv', header + line({ ...row, [column]: text }) + line(row))
    expect(await readAll(open('a.csv', Row))).toEqual([
      `${join(folder.path, 'a.csv')}, byte ${header.length}: ${why}; correct the file or the schema`,
      expect.objectContaining({ big: 1n, text: '' }),
    ])
  })

  it('a field or a row that the schema refuses makes a bad row', async () => {
    await folder.write('a.csv', 'code,n\nABE,1\nabe,2\n')
    const where = `${join(folder.path, 'a.csv')}, byte 13`
    const Field = z.object({ code: z.string().regex(/^[A-Z]+$/), n: z.int() })
    const [, field] = await readAll(open('a.csv', Field))
    expect(field).toMatch(`${where}: column "code" is refused by the schema: Invalid string`)
    const Whole = z.object({ code: z.string(), n: z.int() }).refine(({ n }) => n < 2, 'n is too large')
    expect(await readAll(open('a.csv', Whole, { position: 'place' }))).toEqual([
      { code: 'ABE', n: 1, place: 7 },
      `${where}: the row is refused by the schema: n is too large; correct the file or the schema`,
    ])
  })

  it('all columns as text where the schema does not name its fields', async () => {
    const anything: RowSchema<AnyRow> = {
      '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value: value as AnyRow }) },
    }
    await folder.write('a.csv', 'a,b\n1,\n')
    expect(await readAll(open('a.csv', anything))).toEqual([{ a: '1', b: null }])
  })
})

describe('lines that are no rows', () => {
  const schema = z.object({ a: z.string(), b: z.string() })

  it('make bad rows that say where and why, and the next lines are read', async () => {
    const lines = ['a,b', 'c', 'd,e,f', 'g"h,i', '"j"k,l', 'm,\xff', '', 'n,o']
    await folder.write('a.csv', Buffer.from(lines.join('\n'), 'latin1'))
    const at = (line: number): string =>
      `${join(folder.path, 'a.csv')}, byte ${lines.slice(0, line).join('\n').length + 1}: the record `
    const end = '; correct the file or the schema'
    expect(await readAll(open('a.csv', schema))).toEqual([
      `${at(1)}has 1 field, the file 2 columns${end}`,
      `${at(2)}has 3 fields, the file 2 columns${end}`,
      `${at(3)}is no CSV: a quote stands within a field that does not begin with one${end}`,
      `${at(4)}is no CSV: a field goes on after its closing quote${end}`,
      `${at(5)}is not valid UTF-8${end}`,
      { a: 'n', b: 'o' },
    ])
  })

  it('a quote that is not closed is told when the run is planned, or makes a bad row where fields hold no newlines', async () => {
    await folder.write('a.csv', 'a,b\n1,2\n3,"4\n5,6\n')
    const where = `${join(folder.path, 'a.csv')}, byte 8`
    const remedy =
      'close its quote, or raise maxRecordBytes where it is large; with quotedNewlines: false such a record ends with its line'
    const by = { kind: 'bytes', bytes: 5 } as const
    expect(await problemsOf(open('a.csv', schema).pin(by, {}, signal))).toEqual([
      `${where}: a quote of the record is not closed before the end of the file: ${remedy}`,
    ])
    expect(await problemsOf(readAll(open('a.csv', schema)))).toHaveLength(1)
    expect(await readAll(open('a.csv', schema, { quotedNewlines: false }))).toEqual([
      { a: '1', b: '2' },
      `${where}: the record is no CSV: a quote is not closed on its line; correct the file or the schema`,
      { a: '5', b: '6' },
    ])
  })

  it('a record that is too large is named', async () => {
    await folder.write('a.csv', `a,b\n1,2\n${'x'.repeat(300_000)},y\n3,4\n`)
    const [problem] = await problemsOf(readAll(open('a.csv', schema, { maxRecordBytes: 299_999 })))
    expect(problem).toMatch(`${join(folder.path, 'a.csv')}, byte 8: the record has more than 299999 bytes: `)
    expect(await readAll(open('a.csv', schema, { maxRecordBytes: 300_002 }))).toHaveLength(3)
  })
})

it('a record of just the size that may be is read, wherever reads end', async () => {
  // The first read of the file ends before, within and after the end of the line.
  for (const size of [65_530, 65_531, 65_532, 65_533]) {
    await folder.write('a.csv', `a\r\n${'x'.repeat(size)}\r\n`)
    const source = open('a.csv', z.object({ a: z.string() }), { maxRecordBytes: size })
    expect(await readAll(source)).toEqual([{ a: 'x'.repeat(size) }])
    await problemsOf(readAll(open('a.csv', z.object({ a: z.string() }), { maxRecordBytes: size - 1 })))
  }
})

it('looking at files for a plan stops when it is aborted', async () => {
  await folder.write('a.csv', 'a\n1\n')
  const aborted = AbortSignal.abort(new Error('given up'))
  const source = open('a.csv', z.object({ a: z.string() }))
  await expect(source.check(aborted)).rejects.toThrow('given up')
  await expect(source.pin({ kind: 'bytes', bytes: 1 }, {}, aborted)).rejects.toThrow('given up')
})

describe('what check finds', () => {
  const schema = z.object({ amount: z.number(), code: z.string() })

  it('every file that is missing, no text, or whose header does not fit, all at once', async () => {
    await folder.write('b.csv', 'amuont,code,code\n')
    await folder.write('c.csv', '')
    await folder.write('d.csv', Buffer.from([0xff, 0xfe, 0x61, 0x00]))
    await folder.write('e.csv', Buffer.from([0x1f, 0x8b, 0x08, 0x00]))
    await folder.write('f.csv', 'amount,"code\n')
    await folder.write('g.csv', '\uFEFFamount,code\n')
    await folder.write('h.csv', Buffer.from('amount,c\xf6de\n', 'latin1'))
    await folder.write('i.csv', '"amount"x,code\n')
    const at = (name: string): string => join(folder.path, name)
    expect(await problemsOf(open(['a.csv', '*.csv'], schema, { position: 'code' }).check(signal))).toEqual([
      `${at('a.csv')} is missing ("a.csv", relative to ${folder.path}): put the file there, or correct the path`,
      `${at('b.csv')}: the header names column "code" twice: give one of them another name`,
      `${at('b.csv')}: column "amount" is missing: did you mean "amuont"?`,
      `${at('b.csv')}: position "code" is also a column: give the position another name`,
      `${at('d.csv')} is UTF-16, not text in UTF-8: convert it to UTF-8`,
      `${at('e.csv')} is compressed by gzip, not text in UTF-8: unpack it, or its middle cannot be read`,
      expect.stringMatching(/f\.csv, byte 0: a quote of the record is not closed before the end of the file/),
      `${at('g.csv')}: position "code" is also a column: give the position another name`,
      `${at('h.csv')}: the header cannot be read: the record is not valid UTF-8`,
      `${at('i.csv')}: the header cannot be read: the record is no CSV: a field goes on after its closing quote`,
    ])
  })

  it('nothing wrong with files that are empty or have a header only', async () => {
    await folder.write('a.csv', '')
    await folder.write('b.csv', 'amount,code')
    await folder.write('c.csv', '\n\n')
    await expect(open('*.csv', schema).check(signal)).resolves.toBeUndefined()
    expect(await readAll(open('*.csv', schema))).toEqual([])
    expect(await readAll(open('*.csv', schema), 1)).toEqual([])
  })
})

describe('several files', () => {
  const schema = z.object({ n: z.int() })

  it('have their own headers, and places that are counted through all of them', async () => {
    await folder.write('a.csv', 'n,x\n1,\n2,\n')
    await folder.write('b.csv', '')
    await folder.write('c.csv', 'x,n\n,3\n')
    for (const bytes of [1, 4, 5, 100])
      expect(await readAll(open('*.csv', schema, { position: 'place' }), bytes)).toEqual([
        { n: 1, place: 4 },
        { n: 2, place: 7 },
        { n: 3, place: 14 },
      ])
  })

  it('are pinned with where their records begin, or cut anywhere where every newline ends one', async () => {
    await folder.write('a.csv', 'n\n"1"\n22\n333\n4444\n')
    const by = { kind: 'bytes', bytes: 4 } as const
    const file = { path: 'a.csv', bytes: 18, modifiedMs: expect.any(Number), estimatedRows: 4 }
    const pinned = await open('a.csv', schema).pin(by, {}, signal)
    expect(pinned).toEqual({ kind: 'bytes', files: [{ ...file, starts: [6, 9, 13] }] })
    expect([...cut(pinned, by)].map(({ from, to, estimatedRows }) => [from, to, estimatedRows])).toEqual([
      ['0', '6', 1],
      ['6', '9', 1],
      ['9', '13', 0],
      ['13', '18', 2],
    ])
    const anywhere = await open('a.csv', schema, { quotedNewlines: false }).pin(by, {}, signal)
    expect(anywhere).toEqual({ kind: 'bytes', files: [{ ...file, starts: null }] })
    expect([...cut(anywhere, by)].map(({ from }) => from)).toEqual(['0', '4', '8', '12', '16'])
  })

  it('are estimated by their first records', async () => {
    await folder.write('a.csv', `n\n${'12345\n'.repeat(100_000)}`)
    const pinned = await open('a.csv', schema, { quote: null }).pin({ kind: 'bytes', bytes: 1_000 }, {}, signal)
    expect(pinned).toMatchObject({ files: [{ estimatedRows: 100_000 }] })
  })
})

describe('a file that changes', () => {
  const schema = z.object({ n: z.int() })
  const by = { kind: 'bytes', bytes: 1_000_000 } as const

  async function plannedOver(content: string) {
    await folder.write('a.csv', content)
    const path = join(folder.path, 'a.csv')
    await utimes(path, 1_700_000_000, 1_700_000_000)
    const source = open('a.csv', schema)
    const [partition] = [...cut(await source.pin(by, {}, signal), by)]
    if (partition === undefined) throw new Error('no partition')
    const { from, to, locator } = partition
    const read = (chunkRows: number) =>
      source.read({ range: { kind: 'integer', from, to }, locator }, null, chunkRows, signal)[Symbol.asyncIterator]()
    return { path, read }
  }

  it('is not read: neither one of another size nor one of another time', async () => {
    const { path, read } = await plannedOver('n\n1\n')
    await writeFile(path, 'n\n1\n2\n')
    await utimes(path, 1_700_000_000, 1_700_000_000)
    expect(await problemsOf(read(10).next())).toEqual([
      `${path} is not the file that was planned: it had 4 bytes of 2023-11-14T22:13:20.000Z, now 6 bytes of ` +
        '2023-11-14T22:13:20.000Z; put the planned file back, or start another run',
    ])
    await writeFile(path, 'n\n9\n')
    expect(await problemsOf(read(10).next())).toHaveLength(1)
  })

  it('while it is read gives no row of the change', async () => {
    const { path, read } = await plannedOver('n\n1\n2\n')
    const reading = read(1)
    expect((await reading.next()).value).toMatchObject({ cursor: '4', last: false })
    await writeFile(path, 'n\n1\n3\n')
    expect(await problemsOf(reading.next())).toEqual([expect.stringContaining('is not the file that was planned')])
  })

  it('is closed in the end, whichever way reading ends', async () => {
    const { path, read } = await plannedOver('n\n1\n2\n')
    const stopped = read(1)
    await stopped.next()
    await stopped.return?.(undefined)
    const whole = read(10)
    while ((await whole.next()).done !== true);
    await writeFile(path, '')
    await problemsOf(read(10).next())
    const open = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    )
    expect(open).not.toContain(path)
  })
})

it.each([
  [{ delimiter: ';;' }, 'delimiter is one printable ASCII character or a tab, got ";;"'],
  [{ quote: 'é' }, 'quote is one printable ASCII character or a tab, got "é"'],
  [{ delimiter: '"' }, 'delimiter and quote are both "\\""'],
  [{ header: [] }, 'header is true, or names every column: got no name'],
  [{ header: ['a', 'a'] }, 'header names "a" twice'],
  [{ maxRecordBytes: 0 }, 'maxRecordBytes is a whole number from 1, got 0'],
])('options that cannot be are refused: %j', (options, message) => {
  expect(() => files.csv('a.csv', { schema: z.object({ a: z.string() }), ...options })).toThrow(new RangeError(message))
})
