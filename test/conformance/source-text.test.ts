import { z } from 'zod'
import { files } from '../../src/define/files.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { openCsvSource } from '../../src/source/csv.ts'
import { openNdjsonSource } from '../../src/source/ndjson.ts'
import type { Source } from '../../src/source/source.ts'
import { textFolder } from '../support/text-folder.ts'
import { describeSource, type SourceHarness } from './source.ts'

const { signal } = new AbortController()
const Trip = z.object({ at: z.date(), fare: z.number().nullable(), riders: z.bigint(), note: z.string() })
const Whole = Trip.refine(({ riders }) => riders > 0n)

/** 60 trips from `first` on; every seventh has no fare. */
const trips = (first: number): AnyRow[] =>
  Array.from({ length: 60 }, (_, i) => ({
    at: new Date(Date.UTC(2001, 0, 1, 0, first + i)),
    fare: i % 7 === 0 ? null : i / 8,
    riders: 2n ** 53n + BigInt(i),
    note: ['', 'Åre', 'two\nlines', 'a "b", c'][i % 4],
  }))

const csvField = (value: unknown): string => {
  if (value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value, digits).replaceAll('"', '')
  return `"${text.replaceAll('"', '""')}"`
}
const digits = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
const csvLine = (row: AnyRow): string => Object.values(row).map(csvField).join(',')
const jsonLine = (row: AnyRow): string => JSON.stringify(row, digits)

/** A range that begins and ends among the lines of the second file. */
async function open(
  { name, head, line }: { readonly name: string; readonly head: string; readonly line: (row: AnyRow) => string },
  openSource: (folder: string) => Source,
  placeName: string | null,
): Promise<SourceHarness> {
  const folder = await textFolder()
  const contents = [trips(0), trips(60)].map((rows) => `${head}${rows.map((row) => `${line(row)}\n`).join('')}`)
  for (const [index, content] of contents.entries()) await folder.write(`${index}.${name}`, content)
  const source = openSource(folder.path)
  const size = Math.floor(Buffer.byteLength(contents[1] ?? '') * 0.45)
  const by = { kind: 'bytes', bytes: size } as const
  const plan = [...cut(await source.pin(by, {}, signal), by)]
  const partition = plan[4]
  if (partition === undefined || plan.length !== 6) throw new Error(`the plan has ${plan.length} partitions`)
  const { from, to, locator } = partition
  const range = { kind: 'integer' as const, from, to }
  let place = Buffer.byteLength(`${contents[0] ?? ''}${head}`)
  const rows: AnyRow[] = []
  for (const row of trips(60)) {
    if (place >= Number(from) && place < Number(to))
      rows.push(placeName === null ? row : { ...row, [placeName]: place })
    place += Buffer.byteLength(`${line(row)}\n`)
  }
  return {
    ...{ source, rows },
    range: { range, locator },
    nothing: [
      { range: { ...range, to: from }, locator },
      { range: { kind: 'integer' as const, from: '0', to: '0' }, locator: null },
      // Bytes within a record, in which none begins.
      { range: { kind: 'integer' as const, from: String(place - 3), to: String(place - 1) }, locator },
    ],
    close: () => folder.remove(),
  }
}

const csv = { name: 'csv', head: 'at,fare,riders,note\n', line: csvLine }
const ndjson = { name: 'ndjson', head: '', line: jsonLine }

describeSource('files.csv', () =>
  open(
    csv,
    (folder) => openCsvSource(files.csv<AnyRow, string>('*.csv', { schema: Trip, position: 'place' }), { folder }),
    'place',
  ),
)

describeSource('files.csv with a schema that sees whole rows', () =>
  open(csv, (folder) => openCsvSource(files.csv<AnyRow>('*.csv', { schema: Whole }), { folder }), null),
)

describeSource('files.ndjson', () =>
  open(
    ndjson,
    (folder) =>
      openNdjsonSource(files.ndjson<AnyRow, string>('*.ndjson', { schema: Trip, position: 'place' }), { folder }),
    'place',
  ),
)

describeSource('files.ndjson with a schema that sees whole rows', () =>
  open(ndjson, (folder) => openNdjsonSource(files.ndjson<AnyRow>('*.ndjson', { schema: Whole }), { folder }), null),
)
