import type { PinnedBounds, PlannedPartition } from '../../src/contract/plan.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import { cut } from '../../src/plan/cut.ts'
import { NoRow } from '../../src/source/no-row.ts'
import type { Source } from '../../src/source/source.ts'

const { signal } = new AbortController()

export interface Cutting {
  readonly bytes: number
  readonly chunkRows: number
  /** Each page by a read of its own, from the cursor of the one before. */
  readonly resumes: boolean
}

/** A row, or why it is none. */
export type ReadRow = AnyRow | string

/** Pins a source's bounds, cuts them, and reads partition by partition. */
export async function readPartitions(source: Source, cutting: Cutting): Promise<ReadRow[]> {
  const by = { kind: 'bytes', bytes: cutting.bytes } as const
  const bounds: PinnedBounds = await source.pin(by, {}, signal)
  const rows: ReadRow[] = []
  for (const partition of cut(bounds, by)) rows.push(...(await readPartition(source, partition, cutting)))
  return rows
}

export async function readPartition(
  source: Source,
  { from, to, locator }: PlannedPartition,
  { chunkRows, resumes }: Omit<Cutting, 'bytes'>,
): Promise<ReadRow[]> {
  const rows: ReadRow[] = []
  const range = { range: { kind: 'integer' as const, from, to }, locator }
  let cursor: string | null = null
  for (let isLast = false; !isLast; )
    for await (const page of source.read(range, cursor, chunkRows, signal)) {
      if (page.rows.length > chunkRows) throw new Error(`${page.rows.length} rows a page`)
      for (const row of page.rows) rows.push(row instanceof NoRow ? row.reason : row)
      ;({ cursor, last: isLast } = page)
      if (resumes && !isLast) break
    }
  return rows
}
