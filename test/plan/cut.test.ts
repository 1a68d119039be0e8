import { isDeepStrictEqual } from 'node:util'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { PinnedBounds, PlannedPartition } from '../../src/contract/plan.ts'
import { boundText, boundValue, compareBounds, microsToInstant } from '../../src/contract/range.ts'
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
    fc.bigInt({ min: 0n, max: 300n }),
    fc.bigInt({ min: 1n, max: 400n }),
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
    fc.integer({ min: 0, max: 8_000 }),
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
/** Steps over a range of keys: some without rows, some with more than a part of its own, some of one key. */
const byQuantiles: fc.Arbitrary<Case> = fc
  .tuple(
    fc.constantFrom('integer' as const, 'time' as const),
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.array(
      fc.tuple(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 5_000 })), fc.oneof(fc.constant(0), fc.nat(900))),
      {
        minLength: 1,
        maxLength: 12,
      },
    ),
    fc.integer({ min: 1, max: 400 }),
  )
  .map(([kind, first, widths, rows]): Case => {
    let to = BigInt(first)
    const spread = widths.map(([width, of]) => ({ to: boundText(kind, (to += BigInt(width))), rows: of }))
    const estimatedRows = spread.reduce((all, step) => all + step.rows, 0)
    const bounds = { kind, column: 'c', from: boundText(kind, BigInt(first)), to: boundText(kind, to) }
    return [
      { ...bounds, estimatedRows, spread } as PinnedBounds,
      { kind: 'quantiles', column: 'c', rows, timezone: 'UTC', bounds: null },
    ]
  })
const byOffsets: fc.Arbitrary<Case> = fc
  .tuple(
    fc.array(
      fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 50n }), fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 90n }))),
      {
        maxLength: 6,
      },
    ),
    fc.integer({ min: 1, max: 100 }),
  )
  .map(
    ([all, records]): Case => [
      {
        kind: 'offsets',
        topic: 'orders',
        topicId: null,
        topicPartitions: all.map(([from, length], topicPartition) => ({
          ...{ topicPartition, from: `${from}`, to: `${from + length}` },
        })),
      },
      { kind: 'offsets', records },
    ],
  )
const partitioners = { byRows, byKey, byTime, byQuantiles, byOffsets }
const cases = fc.oneof(...Object.values(partitioners))

function ends(bounds: PinnedBounds): [string, string] {
  if ('column' in bounds) return [bounds.from, bounds.to]
  if (bounds.kind === 'offsets')
    return ['0', String(bounds.topicPartitions.reduce((sum, { from, to }) => sum + BigInt(to) - BigInt(from), 0n))]
  return ['0', String(bounds.files.flatMap((file) => file.rowGroups).reduce((sum, group) => sum + group, 0))]
}

/** What is wrong with a plan; null: it covers the domain without gap or overlap, in order, and comes twice alike. */
function faultOf([bounds, by]: Case): string | null {
  const plan = [...cut(bounds, by)]
  const kind = keyKindOf(bounds)
  const [from, to] = ends(bounds)
  const isEmpty = compareBounds(kind, from, to) === 0
  if (plan[0]?.from !== from) return `begins at ${plan[0]?.from}`
  if (compareBounds(kind, plan.at(-1)?.to ?? '', to) !== 0) return `ends at ${plan.at(-1)?.to}`
  if (isEmpty && plan.length !== 1) return `${plan.length} partitions of nothing`
  for (const [index, { index: place, from: start, to: end }] of plan.entries()) {
    if (place !== index) return `${place} stands at ${index}`
    if (index > 0 && start !== plan[index - 1]?.to) return `gap or overlap at ${start}`
    if (!isEmpty && compareBounds(kind, start, end) >= 0) return `${start} to ${end} holds nothing`
  }
  return isDeepStrictEqual([...cut(bounds, by)], plan) ? null : 'comes out otherwise the second time'
}

describe('cut', () => {
  for (const [name, domains] of Object.entries(partitioners))
    it(`${name} covers each of 10,000 domains without gap or overlap, in order, and twice alike`, () => {
      const holds = fc.property(domains, (domain) => {
        const fault = faultOf(domain)
        if (fault !== null) throw new Error(fault)
      })
      fc.assert(holds, { numRuns: 10_000 })
    }, 60_000)

  test.prop([cases])('shares the estimated rows out without losing one', ([bounds, by]) => {
    const plan = [...cut(bounds, by)]
    const estimates = plan.map(({ estimatedRows }) => estimatedRows)
    const [from, to] = ends(bounds)
    if (from === to) expect(estimates).toEqual([0])
    else if (!('column' in bounds)) expect(sum(estimates)).toBe(Number(to))
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
