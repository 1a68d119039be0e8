import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import { type PlannedRange, planCoverage } from '../../src/supervise/plan-coverage.ts'

const bounds = (to: number, only?: { from: string; to: string }[]): PinnedBounds => ({
  ...{ kind: 'integer', column: 'id', from: '0', to: String(to), estimatedRows: null },
  ...(only === undefined ? {} : { only }),
})
const ranges = (...cuts: [number, number][]): PlannedRange[] =>
  cuts.map(([from, to], index) => ({ index, from: String(from), to: String(to) }))
const run = (to: number, partitions: number, more: object = {}) => ({
  ...{ bounds: bounds(to), retryWhat: null, partitions },
  ...more,
})

it('a plan that tiles its domain has no flaw', async () => {
  expect(await planCoverage(run(30, 3), ranges([0, 10], [10, 20], [20, 30]))).toEqual([])
})

it('an empty domain is one empty partition', async () => {
  expect(await planCoverage(run(0, 1), ranges([0, 0]))).toEqual([])
})

it('what is left out is named, at the beginning, in the middle and at the end', async () => {
  expect(await planCoverage(run(30, 3), ranges([5, 10], [12, 20], [20, 29]))).toEqual([
    { kind: 'coverageGap', message: 'no partition has 0 to 5, before the first partition', index: null },
    { kind: 'coverageGap', message: 'no partition has 10 to 12, behind partition 0', index: 0 },
    { kind: 'coverageGap', message: 'no partition has 29 to 30, behind partition 2', index: 2 },
  ])
})

it('what two partitions have is named', async () => {
  expect(await planCoverage(run(30, 3), ranges([0, 15], [10, 20], [20, 30]))).toEqual([
    { kind: 'coverageOverlap', message: 'partitions 0 and 1 both have 10 to 15', index: 1 },
  ])
})

it('a plan of some ranges covers those, and may be cut anywhere between them', async () => {
  const only = [
    { from: '0', to: '10' },
    { from: '20', to: '30' },
  ]
  const some = { bounds: bounds(40, only) }
  expect(await planCoverage(run(40, 2, some), ranges([0, 10], [20, 30]))).toEqual([])
  expect(await planCoverage(run(40, 2, some), ranges([0, 10], [20, 28]))).toMatchObject([
    { kind: 'coverageGap', message: 'no partition has 28 to 30, behind partition 1' },
  ])
})

it('of partitions of another run that are done again a missing one is known by its number', async () => {
  const retry = { retryWhat: 'failed' as const }
  const [first, second, third] = ranges([0, 10], [20, 30], [50, 60])
  expect(
    await planCoverage(
      run(100, 3, retry),
      [first, second, third].flatMap((one) => one ?? []),
    ),
  ).toEqual([])
  expect(
    await planCoverage(
      run(100, 3, retry),
      [first, third].flatMap((one) => one ?? []),
    ),
  ).toEqual([{ kind: 'coverageGap', message: 'partitions 1 to 1 are not in the plan', index: 0 }])
  expect(
    await planCoverage(
      run(100, 3, retry),
      [first, second].flatMap((one) => one ?? []),
    ),
  ).toEqual([{ kind: 'coverageGap', message: 'partitions 2 to 2 are not in the plan', index: 1 }])
})

const plans = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 })
  .map((sizes) => sizes.map((size, at) => [sizes.slice(0, at).reduce((sum, one) => sum + one, 0), size] as const))
  .map((parts) => ranges(...parts.map(([from, size]): [number, number] => [from, from + size])))

test.prop([plans, fc.nat()])('whichever partition is taken away, its range is the gap', async (plan, at) => {
  const to = Number(plan.at(-1)?.to)
  expect(await planCoverage(run(to, plan.length), plan)).toEqual([])
  const gone = plan[at % plan.length]
  const found = await planCoverage(
    run(to, plan.length),
    plan.filter((one) => one !== gone),
  )
  expect(found).toHaveLength(1)
  expect(found[0]?.message).toContain(`no partition has ${gone?.from} to ${gone?.to}`)
})
