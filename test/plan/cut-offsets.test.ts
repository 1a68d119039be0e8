import { fc } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import type { PinnedBounds } from '../../src/contract/plan.ts'
import { cut } from '../../src/plan/cut.ts'
import { OffsetLocator } from '../../src/plan/offset-locator.ts'

const bounds: PinnedBounds = {
  kind: 'offsets',
  topic: 'orders',
  topicId: 'a1',
  topicPartitions: [
    { topicPartition: 0, from: '100', to: '105' },
    { topicPartition: 1, from: '7', to: '7' },
    { topicPartition: 2, from: '0', to: '4' },
  ],
}
const locator = (topicPartition: number, from: string, to: string, firstPosition: string) => ({
  ...{ topic: 'orders', topicId: 'a1', topicPartition, from, to, firstPosition },
})

describe('cutting a topic by offsets', () => {
  it('never crosses a topic partition, and counts positions through them', () => {
    expect([...cut(bounds, { kind: 'offsets', records: 4 })]).toEqual([
      { index: 0, from: '0', to: '4', locator: locator(0, '100', '104', '0'), estimatedRows: 4 },
      { index: 1, from: '4', to: '5', locator: locator(0, '104', '105', '4'), estimatedRows: 1 },
      { index: 2, from: '5', to: '9', locator: locator(2, '0', '4', '5'), estimatedRows: 4 },
    ])
  })

  it('makes of a topic without records one partition without length', () => {
    expect([...cut({ ...bounds, topicPartitions: [] }, { kind: 'offsets', records: 4 })]).toEqual([
      { index: 0, from: '0', to: '0', locator: null, estimatedRows: 0 },
    ])
  })

  it('refuses a size that is no whole number', () => {
    for (const records of [0, 1.5, Number.NaN])
      expect(() => [...cut(bounds, { kind: 'offsets', records })]).toThrow(
        expect.objectContaining({ code: 'PLAN_INVALID' }),
      )
  })

  it('has locators that take in every offset of every topic partition once, in order, in 10,000 topics', () => {
    const topics = fc.array(
      fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 60n }), fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 60n }))),
      { maxLength: 5 },
    )
    const holds = fc.property(topics, fc.integer({ min: 1, max: 70 }), (all, records) => {
      const topicPartitions = all.map(([from, length], topicPartition) => ({
        ...{ topicPartition, from: `${from}`, to: `${from + length}` },
      }))
      const plan = cut(
        { kind: 'offsets', topic: 'orders', topicId: null, topicPartitions },
        { kind: 'offsets', records },
      )
      const taken = [...plan].flatMap((partition) => {
        if (partition.locator === null) return []
        const { topicPartition, from, to, firstPosition } = OffsetLocator.parse(partition.locator)
        const isLong = BigInt(to) - BigInt(from) === BigInt(partition.to) - BigInt(partition.from)
        return firstPosition === partition.from && isLong ? offsetsOf(topicPartition, BigInt(from), BigInt(to)) : ['?']
      })
      return taken.join() === all.flatMap(([from, length], at) => offsetsOf(at, from, from + length)).join()
    })
    fc.assert(holds, { numRuns: 10_000 })
  }, 60_000)
})

const offsetsOf = (topicPartition: number, from: bigint, to: bigint): string[] =>
  Array.from({ length: Number(to - from) }, (_, n) => `${topicPartition}/${from + BigInt(n)}`)
