import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import type { TopicRecord } from '../../src/kafka/batch-records.ts'
import { type RecordPage, recordPages } from '../../src/source/record-pages.ts'

const record = (offset: number, bytes = 1): TopicRecord => ({
  ...{ offset: BigInt(offset), key: null, value: Buffer.alloc(bytes), timestamp: 0, headers: {} },
})
async function* pieces(all: readonly (readonly TopicRecord[])[]): AsyncGenerator<readonly TopicRecord[]> {
  yield* all
}
async function pagesOf(all: readonly (readonly TopicRecord[])[], chunkRows: number, mostBytes?: number) {
  const pages: RecordPage[] = []
  for await (const page of recordPages(pieces(all), '5', chunkRows, mostBytes)) pages.push(page)
  return pages
}

test.prop([fc.array(fc.nat({ max: 9 }), { maxLength: 8 }), fc.integer({ min: 1, max: 12 })])(
  'pages hold every record once, in order, however they come, and only the last one is the last',
  async (sizes, chunkRows) => {
    let next = 6
    const all = sizes.map((size) => Array.from({ length: size }, () => record(next++)))
    const pages = await pagesOf(all, chunkRows)
    expect(pages.flatMap(({ records }) => records)).toEqual(all.flat())
    expect(pages.map(({ last }) => last)).toEqual(pages.map((_, at) => at === pages.length - 1))
    for (const { records, cursor } of pages) {
      expect(records.length).toBeLessThanOrEqual(chunkRows)
      expect(cursor).toBe((records.at(-1)?.offset ?? 5n).toString())
      if (all.flat().length > 0) expect(records.length).toBeGreaterThan(0)
    }
  },
)

it('pages of large records are shorter, and a record larger than a page has one of its own', async () => {
  const all = [[record(0, 40), record(1, 70), record(2, 10), record(3, 500), record(4, 1)]]
  const pages = await pagesOf(all, 100, 100)
  expect(pages.map(({ records }) => records.map(({ offset }) => Number(offset)))).toEqual([[0, 1], [2, 3], [4]])
})
