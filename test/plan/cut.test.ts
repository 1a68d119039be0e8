import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { PinnedBounds, PlannedPartition } from '../../src/contract/plan.ts'
import { boundValue, compareBounds, microsToInstant } from '../../src/contract/range.ts'
import type { PartitionBy } from '../../src/define/partition-by.ts'
import { cut, keyKindOf } from '../../src/plan/cut.ts'

const year2262 = 9_200_000_000_000_000
const files = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 5 }), { maxLength: 5 }).map((all) =>
  all.map((rowGroups, index) => ({
    path: `${index}.parquet`,
    bytes: 100 + index,
    modifiedMs: 1_700_000_000_000,
    rowGroups,
  })),
)
const rows = fc.nat({ max: 1_000_000 }).chain((estimate) => fc.constantFrom(null, estimate))
type Case = readonly [PinnedBounds, PartitionBy]

const byRows: fc.Arbitrary<Case> = fc.tuple(
  files.map((all): PinnedBounds => ({ kind: 'rows', files: all })),
  fc.oneof(
    fc.constant<PartitionBy>({ kind: 'rowGroup' }),
    fc.integer({ min: 1, max: 60 }).map((size): PartitionBy => ({ kind: 'rows', rows: size })),
  ),
)
const byKey: fc.Arbitrary<Case> = fc
  .tuple(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
    fc.bigInt({ min: 0n, max: 2000n }),
    fc.bigInt({ min: 1n, max: 2500n }),
    rows,
  )
  .map(
    ([from, length, size, estimatedRows]): Case => [
      { kind: 'integer', column: 'id', from: `${from}`, to: `${from + length}`, estimatedRows },
      { kind: 'key', column: 'id', size, bounds: null },
    ],
  )
/** Durations and roughly their microseconds. */
const durations = Object.entries({
  PT15M: 9e8,
  PT1H: 3.6e9,
  PT7H: 2.5e10,
  P1D: 8.6e10,
  P3D: 2.6e11,
  P1W: 6e11,
  P2W: 1.2e12,
  P1M: 2.6e12,
  P3M: 7.8e12,
  P1Y: 3.15e13,
  P10Y: 3.15e14,
})
const zones = ['UTC', 'Europe/Berlin', 'America/Havana', 'Pacific/Apia', 'Asia/Kathmandu', 'America/St_Johns']
const byTime: fc.Arbitrary<Case> = fc
  .tuple(
    fc.integer({ min: -year2262, max: year2262 }),
    fc.constantFrom(...durations),
    fc.integer({ min: 0, max: 30_000 }),
    fc.constantFrom(...zones),
    rows,
  )
  .map(([start, [every, unit], length, timezone, estimatedRows]): Case => {
    const [from, micros] = [BigInt(start), BigInt(Math.round((length / 1000) * unit))]
    return [
      { kind: 'time', column: 'at', from: microsToInstant(from), to: microsToInstant(from + micros), estimatedRows },
      { kind: 'time', column: 'at', every, timezone, bounds: null },
    ]
  })
const cases = fc.oneof(byRows, byKey, byTime)

function ends(bounds: PinnedBounds): [string, string] {
  if (bounds.kind !== 'rows') return [bounds.from, bounds.to]
  return ['0', String(bounds.files.flatMap((file) => file.rowGroups).reduce((sum, group) => sum + group, 0))]
}

describe('cut', () => {
  test.prop([cases])('covers the domain without gap or overlap, in order, and twice alike', ([bounds, by]) => {
    const plan = [...cut(bounds, by)]
    const kind = keyKindOf(bounds)
    const [from, to] = ends(bounds)
    expect(plan[0]?.from).toBe(from)
    expect(compareBounds(kind, plan.at(-1)?.to ?? '', to)).toBe(0)
    for (const [index, { index: place, from: start, to: end }] of plan.entries()) {
      expect(place).toBe(index)
      if (index > 0) expect(start).toBe(plan[index - 1]?.to)
      if (compareBounds(kind, from, to) < 0) expect(compareBounds(kind, start, end)).toBeLessThan(0)
    }
    if (compareBounds(kind, from, to) === 0) expect(plan).toHaveLength(1)
    expect([...cut(bounds, by)]).toEqual(plan)
  })

  test.prop([cases])('shares the estimated rows out without losing one', ([bounds, by]) => {
    const plan = [...cut(bounds, by)]
    const estimates = plan.map(({ estimatedRows }) => estimatedRows)
    const [from, to] = ends(bounds)
    if (from === to) expect(estimates).toEqual([0])
    else if (bounds.kind === 'rows') expect(sum(estimates)).toBe(Number(to))
    else if (bounds.estimatedRows === null) expect(estimates.every((rows) => rows === null)).toBe(true)
    else expect(sum(estimates)).toBe(bounds.estimatedRows)
  })

  it('is lazy: the first of a million partitions comes without the others', () => {
    const bounds: PinnedBounds = { kind: 'integer', column: 'id', from: '0', to: `${2n ** 62n}`, estimatedRows: null }
    const first = cut(bounds, { kind: 'key', column: 'id', size: 1n, bounds: null }).next()
    expect(first.value).toEqual({ index: 0, from: '0', to: '1', locator: { column: 'id' }, estimatedRows: null })
  })

  it('refuses a way of cutting that does not fit the bounds', () => {
    expect(() => [...cut({ kind: 'rows', files: [] }, { kind: 'key', column: 'id', size: 1n, bounds: null })]).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', message: 'partitionBy "key" cannot cut bounds of kind "rows"' }),
    )
  })
})

const sum = (estimates: readonly PlannedPartition['estimatedRows'][]): number =>
  estimates.reduce<number>((total, rows) => total + (rows ?? 0), 0)

describe('keyKindOf', () => {
  it('counts rows and keys as integers, time as time', () => {
    const column = { column: 'c', estimatedRows: null }
    expect(keyKindOf({ kind: 'rows', files: [] })).toBe('integer')
    expect(keyKindOf({ kind: 'integer', from: '0', to: '1', ...column })).toBe('integer')
    const time: PinnedBounds = { kind: 'time', from: '2024-01-01T00:00:00Z', to: '2024-01-02T00:00:00Z', ...column }
    expect(keyKindOf(time)).toBe('time')
    expect(boundValue(keyKindOf(time), time.from)).toBe(1_704_067_200_000_000n)
  })
})
