import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CopyColumn, CopyRows } from '../../src/postgres/copy-rows.ts'
import { RowError } from '../../src/sink/sink.ts'

type Row = readonly [bigint | null, string]
const columns: readonly CopyColumn<Row>[] = [
  { name: 'n', type: 'bigint', of: ([n]) => n },
  { name: 'event', type: 'json', of: ([, event]) => event },
]
const header = '5047434f50590aff0d0a000000000000000000'
const hex = (rows: readonly Row[], isWanted: (place: number) => boolean): string =>
  new CopyRows(columns, rows).only(isWanted).finished().toString('hex')

test('a row is the number of its columns, then each behind its length, null as −1', () => {
  expect(hex([[-2n, '{}']], () => true)).toBe(
    [header, '0002', '00000008', 'fffffffffffffffe', '00000002', '7b7d', 'ffff'].join(''),
  )
  expect(hex([[null, 'ü']], () => true)).toBe([header, '0002', 'ffffffff', '00000002', 'c3bc', 'ffff'].join(''))
  expect(hex([[1n, '{}']], () => false)).toBe(`${header}ffff`)
  expect(hex([], () => true)).toBe(`${header}ffff`)
})

test('leaving rows out is as if they had never been there', () => {
  const rows = fc.array(fc.tuple(fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), fc.json()))
  fc.assert(
    fc.property(rows, fc.infiniteStream(fc.boolean()), (all, wanted) => {
      const flags = all.map(() => wanted.next().value === true)
      const some = new CopyRows(columns, all).only((place) => flags[place] === true)
      const kept = all.filter((_, place) => flags[place])
      expect(some.rows).toBe(kept.length)
      expect(some.finished()).toEqual(new CopyRows(columns, kept).only(() => true).finished())
    }),
  )
})

test('what its column cannot hold is named', () => {
  expect(() => new CopyRows(columns, [[2n ** 63n, '{}']])).toThrow(RowError)
})
