// Risk: a part of a domain that nobody did, or that two did, is called covered; or a whole one is not.
import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { type CoveredPartition, coverageFlaws } from '../../src/certify/coverage.ts'
import type { PartitionState } from '../../src/contract/states.ts'
import type { Span } from '../../src/plan/stretches.ts'

const text = (value: bigint): string => value.toString()
const whole = (to: number): Span[] => [{ from: 0n, to: BigInt(to) }]
const partition = (index: number, from: number, to: number, state: PartitionState = 'completed'): CoveredPartition => ({
  ...{ index, state },
  from: BigInt(from),
  to: BigInt(to),
})
const flawsOf = (wanted: Span[], plan: CoveredPartition[], elsewhere: Span[] = []) => [
  ...coverageFlaws({ wanted, plan, elsewhere, text }),
]

it('says nothing of completed partitions that tile what is wanted', () => {
  expect(flawsOf(whole(30), [partition(0, 0, 10), partition(1, 10, 20), partition(2, 20, 30)])).toEqual([])
  expect(flawsOf([], [])).toEqual([])
  expect(flawsOf(whole(10), [partition(0, 0, 10), partition(1, 10, 10, 'pending')])).toEqual([])
})

it('names a partition that is not completed, with those beside it', () => {
  const plan = [partition(0, 0, 10), partition(1, 10, 20, 'failed'), partition(2, 20, 30)]
  expect(flawsOf(whole(30), plan)).toEqual([{ what: 'gap', from: '10', to: '20', why: 'failed', neighbours: [0, 2] }])
})

it('names what the plan does not have, at the ends too', () => {
  expect(flawsOf(whole(30), [partition(0, 5, 10), partition(1, 15, 20)])).toEqual([
    { what: 'gap', from: '0', to: '5', why: 'not in the plan', neighbours: [null, 0] },
    { what: 'gap', from: '10', to: '15', why: 'not in the plan', neighbours: [0, 1] },
    { what: 'gap', from: '20', to: '30', why: 'not in the plan', neighbours: [1, null] },
  ])
})

it('names what two partitions have', () => {
  expect(flawsOf(whole(30), [partition(0, 0, 20), partition(1, 10, 30)])).toEqual([
    { what: 'overlap', from: '10', to: '20', why: 'two partitions have it', neighbours: [0, 1] },
  ])
})

it('takes what a retry has completed', () => {
  const plan = [partition(0, 0, 10), partition(1, 10, 20, 'failed'), partition(2, 20, 30)]
  expect(flawsOf(whole(30), plan, [{ from: 10n, to: 20n }])).toEqual([])
  expect(flawsOf(whole(30), plan, [{ from: 12n, to: 20n }])).toMatchObject([{ from: '10', to: '12', why: 'failed' }])
})

const places = 30
const states: PartitionState[] = ['pending', 'running', 'completed', 'failed', 'cancelled']
const span = fc
  .tuple(fc.nat({ max: places - 1 }), fc.integer({ min: 1, max: 9 }))
  .map(([from, length]): [number, number] => [from, Math.min(places, from + length)])
const plans = fc
  .array(fc.tuple(span, fc.constantFrom(...states)), { maxLength: 12 })
  .map((all) => all.map(([[from, to], state], index) => partition(index, from, to, state)))

test.prop([plans], { numRuns: 1_000 })('says of every place what counting says', (plan) => {
  const flaws = flawsOf(whole(places), plan)
  const within = (at: number, { from, to }: { from: string; to: string }): boolean =>
    Number(from) <= at && at < Number(to)
  for (let at = 0; at < places; at += 1) {
    const holders = plan.filter(({ from, to }) => from <= at && at < to)
    const isDone = holders.some(({ state }) => state === 'completed')
    expect(flaws.some((flaw) => flaw.what === 'gap' && within(at, flaw))).toBe(!isDone)
    expect(flaws.some((flaw) => flaw.what === 'overlap' && within(at, flaw))).toBe(holders.length > 1)
  }
})
