import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import type { PlannedPartition } from '../../src/contract/plan.ts'
import { type Counted, countedAsTheyPass } from '../../src/dry-run/sizes.ts'

function counted(rows: readonly (number | null)[], lists: 'largest' | 'all' = 'largest'): Counted {
  const found: Counted[] = []
  const partitions = rows.map(
    (estimatedRows, index): PlannedPartition => ({
      ...{ index, from: `${index}`, to: `${index + 1}`, locator: null, estimatedRows },
    }),
  )
  expect([...countedAsTheyPass(partitions, lists, (of) => found.push(of))]).toEqual(partitions)
  expect(found).toHaveLength(1)
  return found[0] as Counted
}

it('tells sizes, skew and the largest, in the order of the plan', () => {
  const { rows, listed } = counted([10, 10, 10, 10, 100, 10, 20, 10, 10, 10])
  expect(rows).toEqual({
    ...{ total: 200, smallest: 10, median: 10, p90: 100, largest: 100, skew: 5 },
    histogram: [
      { upTo: 11, partitions: 8 },
      { upTo: 22, partitions: 1 },
      ...[33, 44, 55, 66, 77, 88, 99].map((upTo) => ({ upTo, partitions: 0 })),
      { upTo: 110, partitions: 1 },
    ],
  })
  expect(listed.map(({ index }) => index)).toEqual([0, 1, 2, 4, 6])
})

it('says that rows are not known, and lists all when asked', () => {
  expect(counted([1, null, 3], 'all')).toMatchObject({ rows: null, listed: [{ index: 0 }, { index: 1 }, { index: 2 }] })
})

it('has nothing to divide by in a plan without rows', () => {
  expect(counted([0]).rows).toMatchObject({ total: 0, skew: 1, histogram: [{ upTo: 1, partitions: 1 }] })
})

test.prop([fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 200 })])('counts each partition once', (of) => {
  const { rows } = counted(of)
  expect(rows?.histogram.reduce((sum, { partitions }) => sum + partitions, 0)).toBe(of.length)
  expect(rows?.total).toBe(of.reduce((sum, n) => sum + n, 0))
  expect(rows?.largest).toBe(Math.max(...of))
})
