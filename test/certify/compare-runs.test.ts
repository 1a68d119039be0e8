// Risk: two runs that left different rows are called equal, or the keys at which they differ are not those that are named.
import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { compareRuns, type RunSide } from '../../src/certify/compare-runs.ts'
import { boundText, boundValue, type NumberedKind } from '../../src/contract/range.ts'

const signal = new AbortController().signal
const now = (): Date => new Date('2026-11-27T06:00:00.000Z')
const columns = [{ name: 'id', type: 'bigint' }]

/** Rows by key, each with a hash; a sink that counts and hashes them by range, as a server does. */
function side(kind: NumberedKind, from: bigint, to: bigint, rows: ReadonlyMap<bigint, bigint>, id: string): RunSide {
  return {
    run: {
      id,
      range: { kind, from: boundText(kind, from), to: boundText(kind, to) },
      target: { id, name: `table ${id}` },
    },
    sink: {
      hashedColumns: async () => columns,
      stored: async (ranges) =>
        ranges.map((range) => {
          const inside = [...rows].filter(
            ([key]) => boundValue(kind, range.from) <= key && key < boundValue(kind, range.to),
          )
          const hash = inside.reduce((sum, [, each]) => sum + each, 0n)
          return { rows: inside.length, contentHash: hash.toString() }
        }),
    },
  }
}

const table = fc
  .array(fc.tuple(fc.nat({ max: 5_000 }), fc.bigInt({ min: -9n, max: 9n })), { maxLength: 30 })
  .map((all) => new Map(all.map(([key, hash]) => [BigInt(key), hash])))

test.prop([table, table, fc.nat({ max: 100 })], { numRuns: 300 })(
  'the keys that are named are those that differ, all of them up to a hundred',
  async (some, others, overhang) => {
    const a = side('integer', 0n, 5_001n, some, 'a')
    const b = side('integer', 0n, 5_001n + BigInt(overhang), others, 'b')
    const differing = [...new Set([...some.keys(), ...others.keys()])]
      .filter((key) => some.get(key) !== others.get(key))
      .sort((one, other) => (one < other ? -1 : 1))
    const { verdict, ranges } = await compareRuns(a, b, now, signal)
    // Sums of unlike hashes may be alike by chance: these hashes are small, those of servers are not.
    const sum = (rows: ReadonlyMap<bigint, bigint>): bigint => [...rows.values()].reduce((all, each) => all + each, 0n)
    const isHidden = some.size === others.size && sum(some) === sum(others)
    expect(verdict).toBe(isHidden ? 'equal' : 'different')
    for (const { range } of ranges) expect(differing).toContain(BigInt(range.from))
    for (const { range } of ranges) expect(BigInt(range.to)).toBe(BigInt(range.from) + 1n)
  },
)

it.each([
  ['integer', 0n, 1_000_000n, 123_456n],
  [
    'time',
    boundValue('time', '2001-01-01T00:00:00Z'),
    boundValue('time', '2002-01-01T00:00:00Z'),
    boundValue('time', '2001-07-04T12:30:00.5Z'),
  ],
  ['uuid', 0n, 2n ** 128n - 1n, 2n ** 100n + 5n],
] as const)('one key of kind %s among all is found', async (kind, from, to, key) => {
  const rows = new Map([
    [from, 5n],
    [key, 7n],
    [to - 1n, 11n],
  ])
  const a = side(kind, from, to, rows, 'a')
  const b = side(kind, from, to, new Map([...rows, [key, 8n]]), 'b')
  const { verdict, ranges } = await compareRuns(a, b, now, signal)
  expect(verdict).toBe('different')
  expect(ranges).toHaveLength(1)
  expect(ranges[0]).toMatchObject({ range: { from: boundText(kind, key) }, first: { rows: 1, contentHash: '7' } })
})

it('runs that cannot be compared are named, with the reason', async () => {
  const a = side('integer', 0n, 10n, new Map(), 'a')
  const b = side('time', 0n, 10_000n, new Map(), 'b')
  await expect(compareRuns(a, b, now, signal)).rejects.toThrow('run a is cut by integer, run b by time')
  const blind = { ...a, sink: { ...a.sink, stored: async () => null } }
  await expect(compareRuns(a, blind, now, signal)).rejects.toThrow('has no column that tells')
  const other = { ...a, sink: { ...a.sink, hashedColumns: async () => [{ name: 'id', type: 'text' }] } }
  await expect(compareRuns(a, other, now, signal)).rejects.toThrow(
    'the columns of one are id bigint, of the other id text',
  )
})
