import { isDeepStrictEqual } from 'node:util'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { writePlace } from '../../src/contract/key-place.ts'
import type { PinnedBounds, PinnedTextFile, PlannedPartition } from '../../src/contract/plan.ts'
import { boundText, boundValue, microsToInstant } from '../../src/contract/range.ts'
import type { PartitionBy } from '../../src/define/partition-by.ts'
import { cut, keyKindOf } from '../../src/plan/cut.ts'
import { rangeOf } from '../../src/plan/pinned-domain.ts'

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
/** Files of text that may be cut anywhere, and such as are cut where records begin. */
const textFiles = fc.array(
  fc.record({ bytes: fc.nat({ max: 400 }), rows: fc.nat({ max: 90 }), places: fc.option(fc.array(fc.nat())) }).map(
    ({ bytes, rows, places }): PinnedTextFile => ({
      ...{ path: 'a.csv', bytes, modifiedMs: 1_700_000_000_000, estimatedRows: bytes === 0 ? 0 : rows },
      starts:
        places === null
          ? null
          : [...new Set(places.map((at) => at % Math.max(1, bytes)))].filter((at) => at > 0).sort((a, b) => a - b),
    }),
  ),
  { maxLength: 5 },
)
const byBytes: fc.Arbitrary<Case> = fc.tuple(
  textFiles.map((all): PinnedBounds => ({ kind: 'bytes', files: all })),
  fc.integer({ min: 1, max: 500 }).map((bytes): PartitionBy => ({ kind: 'bytes', bytes })),
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
    fc.constantFrom('integer' as const, 'time' as const, 'uuid' as const),
    fc.integer({ min: 0, max: 1_000_000 }),
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
      { kind: 'quantiles', columns: ['c'], rows, timezone: 'UTC', bounds: null },
    ]
  })
const byBlocks: fc.Arbitrary<Case> = fc
  .tuple(
    fc.nat({ max: 5_000 }),
    fc.double({ min: 0.01, max: 300, noNaN: true }),
    fc.integer({ min: 1, max: 9_000 }),
    fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 10n ** 9n })),
  )
  .map(([blocks, rowsPerBlock, rows, filenode]): Case => {
    const estimatedRows = Math.round(blocks * rowsPerBlock)
    const moment = { beforeXid: 751, filenode: Number(filenode) }
    return [
      { kind: 'blocks', blocks, ...moment, rowsPerBlock, estimatedRows },
      { kind: 'blocks', rows: Math.max(rows, Math.ceil((blocks * rowsPerBlock) / 500)) },
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
const byUuid: fc.Arbitrary<Case> = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 2n ** 127n }),
    fc.bigInt({ min: 0n, max: 2n ** 126n }),
    fc.bigInt({ min: 1n, max: 300n }),
    rows,
  )
  .map(([from, length, parts, estimatedRows]): Case => {
    const bounds = { from: boundText('uuid', from), to: boundText('uuid', from + length) }
    return [
      { kind: 'uuid', column: 'id', ...bounds, estimatedRows },
      { kind: 'key', column: 'id', size: length / parts + 1n, bounds: null },
    ]
  })
const byHash: fc.Arbitrary<Case> = fc.tuple(fc.integer({ min: 1, max: 200 }), rows).map(
  ([partitions, estimatedRows]): Case => [
    {
      ...{ kind: 'integer', column: 'c', hashed: true, estimatedRows },
      ...{ from: String(-(2n ** 63n)), to: String(2n ** 63n) },
    },
    { kind: 'hash', column: 'c', partitions },
  ],
)
/** Keys of a tenant and a number in it, as a server would order them: the tenants by a collation of its own. */
const byKeysOfSeveralColumns: fc.Arbitrary<Case> = fc
  .tuple(
    fc.uniqueArray(fc.tuple(fc.constantFrom('ä', 'b', 'Z', '"', ''), fc.nat(10_000)), {
      minLength: 1,
      maxLength: 40,
      selector: ([tenant, id]) => `${tenant}/${id}`,
    }),
    fc.array(fc.nat(900), { minLength: 40, maxLength: 40 }),
    fc.integer({ min: 1, max: 2_000 }),
  )
  .map(([keys, counts, rows]): Case => {
    const places = keys.map(([tenant, id]) => writePlace({ values: [tenant, String(id)], after: false }))
    const end = writePlace({ values: ['zz', '0'], after: true })
    const spread = [...places.slice(1), end].map((to, at) => ({ to, rows: counts[at] ?? 0 }))
    const estimatedRows = spread.reduce((all, step) => all + step.rows, 0)
    return [
      { kind: 'key', columns: ['tenant', 'id'], from: places[0] ?? end, to: end, estimatedRows, spread },
      { kind: 'quantiles', columns: ['tenant', 'id'], rows, timezone: 'UTC', bounds: null },
    ]
  })
const byList: fc.Arbitrary<Case> = fc
  .tuple(fc.uniqueArray(fc.string(), { maxLength: 60 }), fc.integer({ min: 1, max: 70 }))
  .map(([values, size]): Case => {
    const from = writePlace({ values: [values[0] ?? ''], after: false })
    const to = values.length === 0 ? from : writePlace({ values: [values.at(-1) ?? ''], after: true })
    return [
      { kind: 'key', columns: ['id'], from, to, estimatedRows: null, spread: [], values },
      { kind: 'list', column: 'id', values: 'ids', size },
    ]
  })
const custom: fc.Arbitrary<Case> = fc
  .tuple(
    fc.constantFrom('integer' as const, 'time' as const, 'uuid' as const),
    fc.nat(1_000_000),
    fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 40 }),
    rows,
  )
  .map(([kind, first, widths, estimatedRows]): Case => {
    let end = first
    const edges = [first, ...widths.map((width) => (end += width))].map((value) => boundText(kind, BigInt(value)))
    const bounds = { kind, column: 'c', from: edges[0] ?? '', to: edges.at(-1) ?? '', estimatedRows }
    const ranges = () => edges.slice(1).map((to, at) => ({ from: edges[at] ?? '', to }))
    return [bounds as PinnedBounds, { kind: 'custom', column: 'c', ranges, timezone: 'UTC', bounds: null }]
  })
const partitioners = {
  byRows,
  byBytes,
  byOffsets,
  byBlocks,
  byKey,
  byUuid,
  byTime,
  byQuantiles,
  byHash,
  byKeysOfSeveralColumns,
  byList,
  custom,
}
const cases = fc.oneof(...Object.values(partitioners))

function ends(bounds: PinnedBounds): [string, string] {
  const { from, to } = rangeOf(bounds)
  return [from, to]
}

/** A number for each bound of a plan, that orders it among the others. */
function orderOf(bounds: PinnedBounds): (bound: string) => bigint {
  if (!('from' in bounds)) return (bound) => boundValue('integer', bound)
  if (bounds.kind !== 'key') return (bound) => boundValue(bounds.kind, bound)
  const values = (bounds.values ?? []).map((value) => writePlace({ values: [value], after: false }))
  const places = [bounds.from, ...values.slice(1), ...bounds.spread.map(({ to }) => to), bounds.to]
  return (bound) => BigInt(places.indexOf(bound))
}

/** What is wrong with a plan; null: it covers the domain without gap or overlap, in order, and comes twice alike. */
function faultOf([bounds, by]: Case): string | null {
  const plan = [...cut(bounds, by)]
  const order = orderOf(bounds)
  const [from, to] = ends(bounds)
  const isEmpty = from === to
  if (plan[0]?.from !== from) return `begins at ${plan[0]?.from}`
  if (plan.at(-1)?.to !== to) return `ends at ${plan.at(-1)?.to}`
  if (isEmpty && plan.length !== 1) return `${plan.length} partitions of nothing`
  for (const [index, { index: place, from: start, to: end }] of plan.entries()) {
    if (place !== index) return `${place} stands at ${index}`
    if (index > 0 && start !== plan[index - 1]?.to) return `gap or overlap at ${start}`
    if (!isEmpty && order(start) >= order(end)) return `${start} to ${end} holds nothing`
  }
  return isDeepStrictEqual([...cut(bounds, by)], plan) ? null : 'comes out otherwise the second time'
}

/** What the bounds say of the whole domain. */
function estimatedRowsOf(bounds: PinnedBounds): number | null {
  switch (bounds.kind) {
    case 'rows':
      return sum(bounds.files.flatMap(({ rowGroups }) => rowGroups))
    case 'bytes':
      return sum(bounds.files.map(({ estimatedRows }) => estimatedRows))
    case 'offsets':
      return sum(bounds.topicPartitions.map(({ from, to }) => Number(BigInt(to) - BigInt(from))))
    default:
      return bounds.estimatedRows
  }
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
    else if (estimatedRowsOf(bounds) === null) expect(estimates.every((rows) => rows === null)).toBe(true)
    else expect(sum(estimates)).toBe(estimatedRowsOf(bounds))
  })

  it('puts every value of a list into one partition', () => {
    const holds = fc.property(byList, ([bounds, by]) => {
      const listed = [...cut(bounds, by)].flatMap(({ locator }) => locator?.['values'] ?? [])
      expect(listed).toEqual(bounds.kind === 'key' ? bounds.values : [])
    })
    fc.assert(holds)
  })

  it('is lazy: the first of a million partitions comes without the others', () => {
    const bounds: PinnedBounds = { kind: 'integer', column: 'id', from: '0', to: `${2n ** 62n}`, estimatedRows: null }
    const first = cut(bounds, { kind: 'key', column: 'id', size: 1n, bounds: null }).next()
    expect(first.value).toEqual({ index: 0, from: '0', to: '1', locator: { column: 'id' }, estimatedRows: null })
  })

  it.each([
    ['a gap', [0, 10, 12, 20], 'there is a gap: one range is from 0 to 10, and the next is the range from 12 to 20'],
    ['a gap at the end', [0, 10], 'there is a gap: one range is from 0 to 10, and the domain ends before 20'],
    [
      'a gap at the beginning',
      [3, 20],
      'there is a gap: the domain begins at 0, and the next is the range from 3 to 20',
    ],
    [
      'an overlap',
      [0, 10, 9, 20],
      'ranges overlap, or are not in order: one range is from 0 to 10, and the next is the range from 9 to 20',
    ],
    ['an empty range', [0, 0, 0, 20], 'the range from 0 to 0 is empty: its first bound must come before the second'],
    ['a range too far', [0, 21], 'the range from 0 to 21 goes beyond the domain, which ends before 20'],
  ])('refuses %s made by a function of the definition, and says where', (_what, edges, message) => {
    const ranges = () =>
      Array.from({ length: edges.length / 2 }, (_, at) => ({
        from: String(edges[2 * at]),
        to: String(edges[2 * at + 1]),
      }))
    const bounds: PinnedBounds = { kind: 'integer', column: 'id', from: '0', to: '20', estimatedRows: null }
    expect(() => [...cut(bounds, { kind: 'custom', column: 'id', ranges, timezone: 'UTC', bounds: null })]).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', message: `partition.custom: ${message}` }),
    )
  })

  it('halves each partition of a ring when there are twice as many, so that a value keeps its place', () => {
    const bounds: PinnedBounds = {
      ...{ kind: 'integer', column: 'c', hashed: true, estimatedRows: null },
      ...{ from: String(-(2n ** 63n)), to: String(2n ** 63n) },
    }
    const edges = (partitions: number): string[] =>
      [...cut(bounds, { kind: 'hash', column: 'c', partitions })].map(({ from }) => from)
    expect(edges(48).every((edge) => edges(96).includes(edge))).toBe(true)
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
    expect(keyKindOf({ kind: 'bytes', files: [] })).toBe('integer')
    expect(keyKindOf({ kind: 'integer', from: '0', to: '1', ...column })).toBe('integer')
    const time: PinnedBounds = { kind: 'time', from: '2024-01-01T00:00:00Z', to: '2024-01-02T00:00:00Z', ...column }
    expect(keyKindOf(time)).toBe('time')
    expect(boundValue('time', time.from)).toBe(1_704_067_200_000_000n)
  })
})
