import { z } from 'zod'
import { files } from '../../src/define/files.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import type { ParquetSource } from '../../src/define/source-definition.ts'
import { cut } from '../../src/plan/cut.ts'
import { openParquetSource } from '../../src/source/parquet.ts'
import { parquetFolder } from '../support/parquet-folder.ts'
import { describeSource } from './source.ts'

const { signal } = new AbortController()
const Flight = z.object({
  at: z.date(),
  delay: z.int().nullable(),
  distance: z.bigint(),
  origin: z.string(),
})

/** 30 flights from `first` on; every seventh has no delay. */
const flights = (first: number): AnyRow[] =>
  Array.from({ length: 30 }, (_, i) => ({
    at: new Date(Date.UTC(2001, 0, 1, 0, first + i)),
    delay: i % 7 === 0 ? null : i - 15,
    distance: 2n ** 53n + BigInt(i),
    origin: ['ABE', 'JFK', 'Åre'][i % 3],
  }))

async function open(
  definition: (paths: string) => ParquetSource<AnyRow>,
  expected: (row: AnyRow, position: number) => AnyRow,
) {
  const folder = await parquetFolder()
  const all = [flights(0), flights(30)]
  for (const [index, rows] of all.entries())
    await folder.write(`flights-${index}.parquet`, {
      columnData: [
        { name: 'at', data: rows.map((row) => row['at']), type: 'TIMESTAMP' },
        { name: 'delay', data: rows.map((row) => row['delay']), type: 'INT32', nullable: true },
        { name: 'distance', data: rows.map((row) => row['distance']), type: 'INT64' },
        { name: 'origin', data: rows.map((row) => row['origin']), type: 'STRING' },
      ],
      rowGroupSize: 11,
    })
  const source = openParquetSource(definition('*.parquet'), { folder: folder.path })
  const bounds = await source.pin({ kind: 'rows', rows: 25 }, {}, signal)
  // The first 25 rows of the second file: across row groups, and not from the first position on.
  const partition = [...cut(bounds, { kind: 'rows', rows: 25 })][2]
  if (partition === undefined) throw new Error('the plan has too few partitions')
  const { from, to, locator } = partition
  const range = { kind: 'integer' as const, from, to }
  return {
    source,
    range: { range, locator },
    rows: flights(30)
      .slice(0, 25)
      .map((row, index) => expected(row, 30 + index)),
    nothing: [
      { range: { ...range, to: from }, locator },
      { range: { kind: 'integer' as const, from: '0', to: '0' }, locator: null },
    ],
    close: () => folder.remove(),
  }
}

describeSource('files.parquet', () =>
  open(
    (paths) => files.parquet(paths, { schema: Flight, position: 'number' }),
    (row, position) => ({ ...row, number: position }),
  ),
)

describeSource('files.parquet with a schema that sees whole rows', () =>
  open(
    (paths) => files.parquet(paths, { schema: Flight.refine(({ origin }) => origin !== '') }),
    (row) => row,
  ),
)
