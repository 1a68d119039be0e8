// Risk: a run that leaves out what nobody did, or does again what is done.
import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { writePlace } from '../../src/contract/key-place.ts'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import type { PartitionBy } from '../../src/define/partition-by.ts'
import { cut } from '../../src/plan/cut.ts'
import { isSameDomain, orderOf } from '../../src/plan/domain-order.ts'
import type { Stretch } from '../../src/plan/earlier-work.ts'
import { selected } from '../../src/plan/reprocess.ts'

const ids: PinnedBounds = { kind: 'integer', column: 'id', from: '-10', to: '90', estimatedRows: 1_000 }
const byTens: PartitionBy = { kind: 'key', column: 'id', size: 10n, bounds: null }
const runId = '019aa000-0000-7000-8000-000000000001'
const stretch = (from: number, to: number, did: Stretch['did']): Stretch => ({
  ...{ from: BigInt(from), to: BigInt(to), did, runId },
})
const ranges = (bounds: PinnedBounds, by: PartitionBy): string[] =>
  [...cut(bounds, by)].map(({ index, from, to }) => `${index}: ${from} to ${to}`)

const history = [stretch(-10, 25, 'completed'), stretch(25, 40, 'failed'), stretch(60, 70, 'completed')]

it('does what is missing: failed, and never tried, cut where the finished ends', () => {
  const { bounds, leftOut } = selected(ids, 'missing', history)
  expect(ranges(bounds, byTens)).toEqual([
    '0: 25 to 30',
    '1: 30 to 40',
    '2: 40 to 50',
    '3: 50 to 60',
    '4: 70 to 80',
    '5: 80 to 90',
  ])
  expect(leftOut).toEqual([
    { from: '-10', to: '25', why: 'completed', runId },
    { from: '60', to: '70', why: 'completed', runId },
  ])
  expect([...cut(bounds, byTens)].reduce((rows, { estimatedRows }) => rows + (estimatedRows ?? 0), 0)).toBe(550)
})

it('does what failed, and tells what it leaves out and why', () => {
  const { bounds, leftOut } = selected(ids, 'failed', history)
  expect(ranges(bounds, byTens)).toEqual(['0: 25 to 30', '1: 30 to 40'])
  expect(leftOut.map(({ from, to, why }) => `${from} to ${to} ${why}`)).toEqual([
    '-10 to 25 completed',
    '40 to 60 never tried',
    '60 to 70 completed',
    '70 to 90 never tried',
  ])
})

it('leaves out what is in flight', () => {
  const { bounds, leftOut } = selected(ids, 'missing', [stretch(0, 80, 'in flight')])
  expect(ranges(bounds, byTens)).toEqual(['0: -10 to 0', '1: 80 to 90'])
  expect(leftOut).toEqual([{ from: '0', to: '80', why: 'in flight', runId }])
})

it('says so when nothing is left', () => {
  expect(() => selected(ids, 'missing', [stretch(-10, 90, 'completed')])).toThrow(
    `reprocess "missing": nothing of -10 to 90 is missing: run ${runId} has it`,
  )
  expect(() => selected(ids, 'failed', [])).toThrow(
    'reprocess "failed": nothing of -10 to 90 failed: no earlier run with these params tried any of it',
  )
  expect(() => selected({ ...ids, to: '-10' }, 'missing', [])).toThrow('reprocess "missing": -10 to -10 is empty')
})

it('refuses more ranges than a run can hold', () => {
  const wide: PinnedBounds = { ...ids, from: '0', to: '60000' }
  const every = Array.from({ length: 12_000 }, (_, n) => stretch(n * 5, n * 5 + 1, 'completed'))
  expect(() => selected(wide, 'missing', every)).toThrow('that is 12,000 separate ranges, and a run holds 10,000')
})

it('cuts rows of files to size, and does bytes of files whole where they have part of what is wanted, once', () => {
  const file = { bytes: 20, modifiedMs: 1, rowGroups: [10, 10] }
  const done = [stretch(3, 4, 'failed'), stretch(5, 6, 'failed'), stretch(32, 40, 'failed')]
  const rows: PinnedBounds = { kind: 'rows', files: ['a', 'b'].map((path) => ({ path, ...file })) }
  expect(ranges(selected(rows, 'failed', done).bounds, { kind: 'rowGroup' })).toEqual([
    '0: 3 to 4',
    '1: 5 to 6',
    '2: 32 to 40',
  ])
  const text = { bytes: 20, modifiedMs: 1, starts: null, estimatedRows: 4 }
  const bytes: PinnedBounds = { kind: 'bytes', files: ['a', 'b'].map((path) => ({ path, ...text })) }
  expect(ranges(selected(bytes, 'failed', done).bounds, { kind: 'bytes', bytes: 10 })).toEqual([
    '0: 0 to 10',
    '1: 30 to 40',
  ])
})

it('knows the places of keys that only a server can order, by their number', () => {
  const place = (value: string): string => writePlace({ values: [value], after: false })
  const names: PinnedBounds = {
    ...{ kind: 'key', columns: ['name'], from: place('a'), to: place('z'), estimatedRows: 30 },
    spread: ['d', 'm', 'z'].map((end) => ({ to: place(end), rows: 10 })),
  }
  const { value } = orderOf(names)
  expect(['a', 'd', 'm', 'z'].map((end) => value(place(end)))).toEqual([0n, 1n, 2n, 3n])
  expect(() => value(place('e'))).toThrow('is no place at which the domain may be cut')
  const { bounds } = selected(names, 'missing', [stretch(1, 2, 'completed')])
  expect(ranges(bounds, { kind: 'quantiles', columns: ['name'], rows: 10, timezone: 'UTC', bounds: null })).toEqual([
    `0: ${place('a')} to ${place('d')}`,
    `1: ${place('m')} to ${place('z')}`,
  ])
  const recut = { ...names, spread: names.spread.slice(1) }
  expect([isSameDomain(names, bounds), isSameDomain(names, recut)]).toEqual([true, false])
})

it('compares domains by what a place stands for', () => {
  const other: PinnedBounds = { ...ids, from: '500', to: '600', estimatedRows: null }
  expect(isSameDomain(ids, other)).toBe(true)
  expect(isSameDomain(ids, { ...ids, column: 'other' })).toBe(false)
  expect(isSameDomain(ids, { ...ids, hashed: true })).toBe(false)
  const files: PinnedBounds = { kind: 'rows', files: [{ path: 'a', bytes: 1, modifiedMs: 1, rowGroups: [5] }] }
  expect(isSameDomain(files, { ...files, only: [{ from: '0', to: '5' }] })).toBe(true)
  expect(isSameDomain(files, { ...files, files: [...files.files, ...files.files] })).toBe(false)
})

const did = fc.constantFrom<Stretch['did']>('completed', 'failed', 'in flight')
const stretches = fc
  .array(fc.record({ gap: fc.nat({ max: 20 }), length: fc.integer({ min: 1, max: 30 }), did }), { maxLength: 8 })
  .map((parts) => {
    let at = -10
    return parts.flatMap(({ gap, length, did }): Stretch[] => {
      const from = at + gap
      at = from + length
      return at <= 90 ? [stretch(from, at, did)] : []
    })
  })
const size = fc.bigInt({ min: 1n, max: 120n })

test.prop([stretches, size, fc.constantFrom('missing' as const, 'failed' as const)], { numRuns: 2_000 })(
  'a plan of it has exactly the places that are wanted, in order, and never one twice',
  (stretches, size, policy) => {
    const at = (place: number): Stretch['did'] | undefined =>
      stretches.find(({ from, to }) => place >= from && place < to)?.did
    const wanted = Array.from({ length: 100 }, (_, n) => n - 10).filter((place) =>
      policy === 'failed' ? at(place) === 'failed' : at(place) !== 'completed' && at(place) !== 'in flight',
    )
    if (wanted.length === 0) {
      expect(() => selected(ids, policy, stretches)).toThrow('nothing of')
      return
    }
    const { bounds } = selected(ids, policy, stretches)
    const plan = [...cut(bounds, { ...byTens, kind: 'key', size })]
    expect(
      plan.flatMap(({ from, to }) => Array.from({ length: Number(to) - Number(from) }, (_, n) => Number(from) + n)),
    ).toEqual(wanted)
    expect(plan.map(({ index }) => index)).toEqual(plan.map((_, index) => index))
    expect([...cut(bounds, { ...byTens, kind: 'key', size })]).toEqual(plan)
  },
)
