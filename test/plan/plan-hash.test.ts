import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { PinnedBounds, PlannedPartition } from '../../src/contract/plan.ts'
import { cut } from '../../src/plan/cut.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import { outlinePlan } from '../../src/plan/plan-hash.ts'

const bounds: PinnedBounds = { kind: 'integer', column: 'id', from: '0', to: '100', estimatedRows: null }
const definition = 'a'.repeat(64)
const plan = (size: bigint): PlannedPartition[] => [...cut(bounds, { kind: 'key', column: 'id', size, bounds: null })]
const never = new AbortController().signal

test('the same plan has the same hash, and its partitions are counted', async () => {
  const outline = await outlinePlan(definition, bounds, plan(10n), never)
  expect(outline.partitions).toBe(10)
  expect(await outlinePlan(definition, bounds, plan(10n), never)).toEqual(outline)
})

const changes: Record<string, (at: PlannedPartition) => PlannedPartition> = {
  from: (at) => ({ ...at, from: `${at.from}0` }),
  to: (at) => ({ ...at, to: `${at.to}0` }),
  locator: (at) => ({ ...at, locator: { path: 'other' } }),
  index: (at) => ({ ...at, index: at.index + 100 }),
}

test.prop([fc.constantFrom(...Object.keys(changes)), fc.nat(9)])(
  'another %s of any partition is another plan',
  async (what, index) => {
    const changed = plan(10n).map((partition) =>
      partition.index === index ? (changes[what]?.(partition) ?? partition) : partition,
    )
    const hashes = await Promise.all(
      [plan(10n), changed].map(async (plan) => (await outlinePlan(definition, bounds, plan, never)).planHash),
    )
    expect(hashes[0]).not.toBe(hashes[1])
  },
)

test('another definition, or other bounds, are another plan', async () => {
  const { planHash } = await outlinePlan(definition, bounds, plan(10n), never)
  expect((await outlinePlan('b'.repeat(64), bounds, plan(10n), never)).planHash).not.toBe(planHash)
  expect((await outlinePlan(definition, { ...bounds, to: '101' }, plan(10n), never)).planHash).not.toBe(planHash)
  // What is only believed of the rows makes no other plan.
  expect((await outlinePlan(definition, { ...bounds, estimatedRows: 5 }, plan(10n), never)).planHash).toBe(planHash)
})

test('another file, or other places to cut it, are another plan; what is believed of its rows is not', async () => {
  const file = { path: 'a.csv', bytes: 30, modifiedMs: 1, starts: [12, 20], estimatedRows: 3 }
  const hashOf = async (changed: Partial<typeof file>): Promise<string> => {
    const pinned: PinnedBounds = { kind: 'bytes', files: [{ ...file, ...changed }] }
    return (await outlinePlan(definition, pinned, cut(pinned, { kind: 'bytes', bytes: 10 }), never)).planHash
  }
  const planHash = await hashOf({})
  expect(await hashOf({ estimatedRows: 4 })).toBe(planHash)
  for (const changed of [{ path: 'b.csv' }, { bytes: 31 }, { modifiedMs: 2 }, { starts: [12, 21] }])
    expect(await hashOf(changed)).not.toBe(planHash)
})

test('a plan that never ends is refused, not followed', async () => {
  const endless = cut({ ...bounds, to: (10n ** 30n).toString() }, { kind: 'key', column: 'id', size: 1n, bounds: null })
  await expect(outlinePlan(definition, bounds, endless, never, 12_000)).rejects.toThrow('more than 12,000 partitions')
})

test('a planner that must stop does not go through the plan first', async () => {
  const endless = cut({ ...bounds, to: (10n ** 30n).toString() }, { kind: 'key', column: 'id', size: 1n, bounds: null })
  await expect(outlinePlan(definition, bounds, endless, AbortSignal.abort(new Error('stopping')))).rejects.toThrow(
    'stopping',
  )
})

test('ids follow from run and range alone', () => {
  const [runA, runB] = ['019aa000-0000-7000-8000-000000000001', '019aa000-0000-7000-8000-000000000002']
  const ids = plan(10n).map((partition) => partitionIdOf(runA, partition))
  expect(new Set(ids).size).toBe(10)
  expect(plan(10n).map((partition) => partitionIdOf(runA, partition))).toEqual(ids)
  expect(plan(10n).map((partition) => partitionIdOf(runB, partition))).not.toEqual(ids)
})
