import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Cursor } from '../../src/contract/range.ts'
import type { AnyRow } from '../../src/define/row-schema.ts'
import type { Source, SourceRange } from '../../src/source/source.ts'

/** A source with rows that somebody knows. */
export interface SourceHarness {
  readonly source: Source
  /** A range, and the rows of it in their order: at least 20 of them. */
  readonly range: SourceRange
  readonly rows: readonly AnyRow[]
  /** A range of length 0, and one that has no rows. */
  readonly nothing: readonly SourceRange[]
  close(): Promise<void>
}

interface ReadPage {
  readonly rows: readonly AnyRow[]
  readonly cursor: Cursor | null
  readonly last: boolean
}

/** What every adapter of the port `Source` keeps to. */
export function describeSource(name: string, open: () => Promise<SourceHarness>): void {
  describe(`${name} as a source`, () => {
    let harness: SourceHarness
    beforeAll(async () => {
      harness = await open()
    })
    afterAll(() => harness.close())

    const { signal } = new AbortController()
    async function pages(chunkRows: number, after: Cursor | null = null, range = harness.range): Promise<ReadPage[]> {
      const read: ReadPage[] = []
      for await (const page of harness.source.read(range, after, chunkRows, signal)) {
        const rows = [...page.rows]
        expect(rows).toHaveLength(page.rows.length)
        read.push({ rows, cursor: page.cursor, last: page.last })
      }
      return read
    }
    const rowsOf = (read: readonly ReadPage[]): readonly AnyRow[] => read.flatMap(({ rows }) => rows)

    it('finds nothing wrong', async () => {
      await expect(harness.source.check(signal)).resolves.toBeUndefined()
    })

    it.each([1, 3, 7, 19, 1000])('gives every row once, in order, in pages of at most %i', async (chunkRows) => {
      const read = await pages(chunkRows)
      expect(rowsOf(read)).toEqual(harness.rows)
      for (const page of read) expect(page.rows.length).toBeLessThanOrEqual(chunkRows)
    })

    it('marks the last page and no other, also when pages come out even', async () => {
      const { length } = harness.rows
      for (const chunkRows of [1, length - 1, length, length + 1]) {
        const read = await pages(chunkRows)
        expect(read.map(({ last }) => last)).toEqual(read.map((_, index) => index === read.length - 1))
        expect(read.every(({ rows }) => rows.length > 0)).toBe(true)
      }
    })

    it('gives the same rows and cursors when the range is read again', async () => {
      expect(await pages(6)).toEqual(await pages(6))
    })

    it('gives exactly the rest after any cursor', async () => {
      let handled = 0
      for (const { rows, cursor } of await pages(1)) {
        handled += rows.length
        expect(cursor?.length).toBeLessThanOrEqual(512)
        const rest = await pages(8, cursor)
        expect(rowsOf(rest)).toEqual(harness.rows.slice(handled))
        expect(rest.filter(({ last }) => last)).toHaveLength(1)
      }
    })

    it('gives one empty last page, with the cursor unmoved, when nothing is left', async () => {
      const cursor = (await pages(1000)).at(-1)?.cursor ?? null
      expect(await pages(5, cursor)).toEqual([{ rows: [], cursor, last: true }])
      for (const range of harness.nothing)
        expect(await pages(5, null, range)).toEqual([{ rows: [], cursor: null, last: true }])
    })

    it('gives rows of one shape', async () => {
      const [first, ...others] = rowsOf(await pages(1000)).map((row) => Object.keys(row).join())
      expect(new Set(others)).toEqual(new Set([first]))
    })

    it('stops when it is aborted, before the first page and after it', async () => {
      const reason = new Error('given up')
      const aborted = AbortSignal.abort(reason)
      await expect(harness.source.read(harness.range, null, 5, aborted)[Symbol.asyncIterator]().next()).rejects.toThrow(
        reason,
      )
      const controller = new AbortController()
      const reading = harness.source.read(harness.range, null, 5, controller.signal)[Symbol.asyncIterator]()
      expect((await reading.next()).value).toMatchObject({ last: false })
      controller.abort(reason)
      await expect(reading.next()).rejects.toThrow(reason)
    })
  })
}
