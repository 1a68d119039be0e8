import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundText, type NumberedKind } from '../../src/contract/range.ts'
import { CopyBuffer, copyLayout, guardedLayout } from '../../src/postgres/copy-binary.ts'
import { column } from './columns.ts'

/** Whether a row with this value is taken into the range. */
function isTaken(type: string, kind: NumberedKind, from: bigint, to: bigint, value: unknown): boolean {
  const range = { kind, from: boundText(kind, from), to: boundText(kind, to) }
  const buffer = new CopyBuffer(guardedLayout(copyLayout([column('n', 'int4'), column('c', type)]), 'c', range))
  try {
    buffer.add({ n: 1, c: value })
  } catch (error) {
    expect(error).toMatchObject({ name: 'RowError' })
    expect(buffer.rows).toBe(0)
    expect(buffer.contentHash).toBe(0n)
    return false
  }
  return true
}

const near = (center: bigint, least: bigint, most: bigint): fc.Arbitrary<bigint> =>
  fc
    .oneof(
      fc.bigInt({ min: -3n, max: 3n }).map((by) => center + by),
      fc.bigInt({ min: least, max: most }),
    )
    .map((value) => (value < least ? least : value > most ? most : value))

/** Two bounds and a value at or near one of them, or anywhere. */
const placed = (least: bigint, most: bigint): fc.Arbitrary<readonly [bigint, bigint, bigint]> =>
  fc
    .tuple(
      fc.oneof(fc.constantFrom(least, most, 0n), fc.bigInt({ min: least, max: most })),
      fc.oneof(fc.constantFrom(least, most, 0n), fc.bigInt({ min: least, max: most })),
    )
    .chain(([a, b]) =>
      fc.tuple(
        fc.constant(a < b ? a : b),
        fc.constant((a < b ? b : a) + 1n),
        fc.oneof(near(a, least, most), near(b, least, most)),
      ),
    )

const [year1900, year2200] = [-2_208_988_800_000_000n, 7_258_118_400_000_000n]
const micros = 1_000n
const day = 86_400_000_000n
const floorTo = (value: bigint, unit: bigint): bigint => value - (((value % unit) + unit) % unit)

describe('the range of a partition', () => {
  test.each([
    ['int2', -(2n ** 15n), 2n ** 15n - 1n],
    ['int4', -(2n ** 31n), 2n ** 31n - 1n],
    ['int8', -(2n ** 63n), 2n ** 63n - 1n],
    ['numeric', -(2n ** 70n), 2n ** 70n],
  ] as const)('takes of %s what lies in it, and nothing else', (type, least, most) => {
    fc.assert(
      fc.property(placed(least, most), ([from, to, value]) => {
        expect(isTaken(type, 'integer', from, to, value)).toBe(value >= from && value < to)
      }),
      { numRuns: 3_000 },
    )
  })

  test('takes uuids by their bytes', () => {
    fc.assert(
      fc.property(placed(0n, 2n ** 128n - 2n), ([from, to, value]) => {
        expect(isTaken('uuid', 'uuid', from, to, boundText('uuid', value).toUpperCase())).toBe(
          value >= from && value < to,
        )
      }),
      { numRuns: 3_000 },
    )
  })

  test('takes times, as Dates and as microseconds', () => {
    fc.assert(
      fc.property(placed(year1900, year2200), ([from, to, value]) => {
        expect(isTaken('timestamptz', 'time', from, to, value)).toBe(value >= from && value < to)
        const ms = floorTo(value, micros)
        expect(isTaken('timestamp', 'time', from, to, new Date(Number(ms / micros)))).toBe(ms >= from && ms < to)
        const midnight = floorTo(value, day)
        expect(isTaken('date', 'time', from, to, new Date(Number(midnight / micros)))).toBe(
          midnight >= from && midnight < to,
        )
      }),
      { numRuns: 3_000 },
    )
  })

  test('takes a numeric by what it is, however it is written', () => {
    for (const [value, taken] of [
      ['9.999', true],
      ['-0.001', false],
      ['1e1', false],
      ['0.99e1', true],
      [0, true],
      [9.5, true],
      ['NaN', false],
    ] as const)
      expect([value, isTaken('numeric', 'integer', 0n, 10n, value)]).toEqual([value, taken])
  })

  test('takes no NULL, and says why', () => {
    const range = { kind: 'integer', from: '0', to: '10' } as const
    const buffer = new CopyBuffer(guardedLayout(copyLayout([column('c', 'int4')]), 'c', range))
    expect(() => buffer.add({ c: null })).toThrow('column "c" is not null: got null')
    expect(() => buffer.add({ c: 10 })).toThrow(
      'column "c" is 10, outside of the partition\'s range from 0 to before 10: the column that the sink names as its range holds the source\'s partition key unchanged',
    )
  })
})
