import { fc } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { messageOf, TerminalError } from '../../src/contract/errors.ts'
import { files } from '../../src/define/files.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { openCsvSource } from '../../src/source/csv.ts'
import { openNdjsonSource } from '../../src/source/ndjson.ts'
import type { Source } from '../../src/source/source.ts'
import { type Cutting, type ReadRow, readPartitions } from '../support/read-partitions.ts'
import { type TextFolder, textFolder } from '../support/text-folder.ts'

let folder: TextFolder
beforeAll(async () => {
  folder = await textFolder()
})
afterAll(() => folder.remove())

/** Characters that matter to one of the formats, and some of several bytes. */
const texts = (more: readonly string[]): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('a', '7', ' ', '€', '😀', '"', '""', ',', ';', '\\', '\r', ...more), { maxLength: 6 })
    .map((parts) => parts.join(''))
const lineEnds = fc.constantFrom('\n', '\r\n')
/** The first read ends among the records, or within one that takes several. */
const paddings = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 65_336, max: 65_536 }) },
  { weight: 1, arbitrary: fc.integer({ min: 262_000, max: 530_000 }) },
)

interface Domain {
  readonly name: string
  readonly content: Buffer
  readonly source: (path: string) => Source
  /** In order, without their places. */
  readonly rows: readonly AnyRow[]
  /** Of each row's first byte. */
  readonly places: readonly number[]
}

const columns = fc.integer({ min: 1, max: 3 })
const shapes = fc.record({
  columns,
  spansLines: fc.boolean(),
  hasHeader: fc.boolean(),
  hasMark: fc.boolean(),
  endsInLine: fc.boolean(),
  padding: paddings,
  delimiter: fc.constantFrom(',', ';', '\t'),
  quote: fc.constantFrom('"', "'"),
})

const csv: fc.Arbitrary<Domain> = shapes.chain(
  ({ columns: width, spansLines, hasHeader, hasMark, endsInLine, padding, delimiter, quote }) => {
    const field = fc.record({
      text: fc.option(texts(spansLines ? ['\n', '\r\n'] : []), { nil: null }),
      quoted: fc.boolean(),
    })
    const record = fc.record({
      fields: fc.array(field, { minLength: width, maxLength: width }),
      end: lineEnds,
      blanks: fc.integer({ min: 0, max: 2 }),
    })
    return fc.array(record, { maxLength: 8 }).map((records): Domain => {
      const words = { delimiter, quote, quotedNewlines: spansLines }
      const written = (text: string | null, quoted: boolean): string => {
        if (text === null) return ''
        const must = text === '' || [delimiter, quote, '\r', '\n'].some((special) => text.includes(special))
        return must || quoted ? `${quote}${text.replaceAll(quote, quote + quote)}${quote}` : text
      }
      const names = Array.from(
        { length: width },
        (_, at) => `column${at}${spansLines && at === 0 ? '\nof two lines' : ''}`,
      )
      let text = hasMark ? '\uFEFF' : ''
      if (hasHeader) text += `${names.map((name) => written(name, false)).join(delimiter)}\n`
      const rows: AnyRow[] = []
      const places: number[] = []
      for (const [index, { fields, end, blanks }] of records.entries()) {
        text += end.repeat(blanks)
        places.push(Buffer.byteLength(text))
        // A line without any character is no record.
        const values = fields.map((of) => (width === 1 ? (of.text ?? '') : of.text))
        if (index === 0 && padding > 0) values[0] = 'x'.repeat(padding)
        rows.push(Object.fromEntries(values.map((value, at) => [names[at], value])))
        text += values.map((value, at) => written(value, fields[at]?.quoted === true)).join(delimiter)
        if (endsInLine || index < records.length - 1) text += end
      }
      const schema = z.object(Object.fromEntries(names.map((name) => [name, z.string().nullable()])))
      const header = hasHeader ? true : names
      return {
        ...{ name: 'csv', content: Buffer.from(text), rows, places },
        source: (path) =>
          openCsvSource(files.csv(path, { schema, position: 'place', header, ...words }), { folder: folder.path }),
      }
    })
  },
)

const ndjson: fc.Arbitrary<Domain> = fc
  .record({
    records: fc.array(
      fc.record({
        text: fc.option(texts(['\n']), { nil: null }),
        big: fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
        end: lineEnds,
        blanks: fc.integer({ min: 0, max: 2 }),
      }),
      { maxLength: 8 },
    ),
    hasMark: fc.boolean(),
    endsInLine: fc.boolean(),
    padding: paddings,
  })
  .map(({ records, hasMark, endsInLine, padding }): Domain => {
    let text = hasMark ? '\uFEFF' : ''
    const rows: AnyRow[] = []
    const places: number[] = []
    for (const [index, { text: given, big, end, blanks }] of records.entries()) {
      text += end.repeat(blanks)
      places.push(Buffer.byteLength(text))
      const value = index === 0 && padding > 0 ? 'x'.repeat(padding) : given
      rows.push({ big, text: value })
      text += `{"text":${JSON.stringify(value)},"big":${big}}`
      if (endsInLine || index < records.length - 1) text += end
    }
    const schema = z.object({ big: z.bigint(), text: z.string().nullable() })
    return {
      ...{ name: 'ndjson', content: Buffer.from(text), rows, places },
      source: (path) => openNdjsonSource(files.ndjson(path, { schema, position: 'place' }), { folder: folder.path }),
    }
  })

/** Bytes that are no CSV more often than they are. */
const nonsense: fc.Arbitrary<Omit<Domain, 'rows' | 'places'>> = fc
  .record({
    bytes: fc.array(fc.constantFrom(...Buffer.from('"",,\n\n\r\rab'), 0xff, 0xe2), { maxLength: 60 }),
    spansLines: fc.boolean(),
  })
  .map(({ bytes, spansLines }) => {
    const schema = z.object({ a: z.string().nullable(), b: z.string().nullable() })
    return {
      ...{ name: 'nonsense', content: Buffer.from(bytes) },
      source: (path) =>
        openCsvSource(files.csv(path, { schema, position: 'place', header: ['a', 'b'], quotedNewlines: spansLines }), {
          folder: folder.path,
        }),
    }
  })

/** From single bytes to more than the whole. */
const cuttings = (content: Buffer): fc.Arbitrary<Cutting> =>
  fc.record({
    bytes: fc
      .oneof(
        fc.integer({ min: Math.ceil(content.length / 40), max: content.length + 2 }),
        fc.integer({ min: Math.max(1, Math.floor(content.length / 80)), max: 30 + Math.floor(content.length / 10) }),
      )
      .map((size) => Math.max(1, size)),
    chunkRows: fc.integer({ min: 1, max: 9 }),
    resumes: fc.boolean(),
  })

const withCutting = <Of extends { readonly content: Buffer }>(
  domains: fc.Arbitrary<Of>,
): fc.Arbitrary<readonly [Of, Cutting]> =>
  domains.chain((domain) => cuttings(domain.content).map((cutting) => [domain, cutting] as const))

async function outcome(source: Source, cutting: Cutting): Promise<ReadRow[] | string> {
  return readPartitions(source, cutting).catch((error: unknown) => {
    if (error instanceof TerminalError) return messageOf(error)
    throw error
  })
}

let written = 0
async function openOver({ name, content, source }: Pick<Domain, 'name' | 'content' | 'source'>): Promise<Source> {
  // A name of its own for each: the next content would otherwise be told from this one by its time alone.
  const path = `${written++ % 50}.${name}`
  await folder.write(path, content)
  return source(path)
}

function requireSame(got: unknown, wanted: unknown): void {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, of: unknown) => (typeof of === 'bigint' ? `${of}n` : of))
  if (text(got) !== text(wanted))
    throw new Error(`got ${text(got).slice(0, 2_000)}\nwanted ${text(wanted).slice(0, 2_000)}`)
}

describe('files of text cut by bytes', () => {
  it.each([true, false])(
    'every size from 1 byte on gives the same rows, newlines in quotes: %s',
    async (spansLines) => {
      const over = spansLines ? '4,"a\n\r\n,b"\n' : ''
      const content = Buffer.from(`\uFEFF"n""",t\r\n1,"€ ""😀"""\n\n2,\r\n3,""\r\n\r\n${over}"5",é`)
      const schema = z.object({ 'n"': z.int(), t: z.string().nullable() })
      const source = await openOver({
        ...{ name: 'csv', content },
        source: (path) =>
          openCsvSource(files.csv(path, { schema, position: 'place', quotedNewlines: spansLines }), {
            folder: folder.path,
          }),
      })
      const whole = await readPartitions(source, { bytes: 1_000, chunkRows: 100, resumes: false })
      expect(whole.map((row) => Object.values(row).slice(0, 2))).toEqual([
        ...[
          [1, '€ "😀"'],
          [2, null],
          [3, ''],
        ],
        ...(spansLines ? [[4, 'a\n\r\n,b']] : []),
        [5, 'é'],
      ])
      for (let bytes = 1; bytes <= content.length + 1; bytes += 1)
        expect(await readPartitions(source, { bytes, chunkRows: 1 + (bytes % 3), resumes: bytes % 2 === 0 })).toEqual(
          whole,
        )
    },
  )

  it.each([
    ['csv', csv, 6_000],
    ['ndjson', ndjson, 2_500],
  ] as const)(
    '%s gives the rows that were written, each once, in order, with their places, however it is cut',
    async (_name, domains, numRuns) => {
      await fc.assert(
        fc.asyncProperty(withCutting<Domain>(domains), async ([domain, cutting]) => {
          const source = await openOver(domain)
          const wanted = domain.rows.map((row, index) => ({ ...row, place: domain.places[index] }))
          requireSame(await readPartitions(source, cutting), wanted)
        }),
        { numRuns },
      )
    },
    300_000,
  )

  it('nonsense gives the same rows, bad rows and errors, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(withCutting(nonsense), async ([domain, cutting]) => {
        const source = await openOver(domain)
        requireSame(await outcome(source, cutting), await outcome(source, { ...cutting, bytes: 1_000, resumes: false }))
      }),
      { numRuns: 2_500 },
    )
  }, 300_000)
})
