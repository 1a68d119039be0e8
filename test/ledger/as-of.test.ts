import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { offsetsText, parseAsOf, rangesUpTo, requireTime } from '../../src/ledger/as-of.ts'
import type { TopicRange } from '../../src/status/topic-history.ts'

const kept = (...ranges: [number, number][]): TopicRange[] =>
  ranges.map(([from, to], topicPartition) => ({ topicPartition, from: BigInt(from), to: BigInt(to) }))
const upTo = (text: string, there: TopicRange[]): readonly TopicRange[] => {
  const asOf = parseAsOf(text)
  if (asOf.kind === 'time') throw new Error('a time')
  return rangesUpTo('t.status', there, asOf)
}

describe('what --as-of takes', () => {
  it('offsets of topic partitions, one offset, or a time in any time zone', () => {
    expect(parseAsOf('0:120, 11:98')).toEqual({
      kind: 'offsets',
      next: new Map([
        [0, 120n],
        [11, 98n],
      ]),
    })
    expect(parseAsOf('120')).toEqual({ kind: 'offset', next: 120n })
    expect(parseAsOf('2026-01-31T12:00:00+01:00')).toEqual({ kind: 'time', at: new Date('2026-01-31T11:00:00Z') })
  })

  it.each(['', 'yesterday', '2026-01-31', '0:1,,1:2', '0:-1', '1.5', '0:1;1:2'])('not "%s"', (text) => {
    expect(() => parseAsOf(text)).toThrow(
      `--as-of "${text}" is neither a time such as 2026-01-31T12:00:00Z nor offsets`,
    )
  })

  it('not a topic partition twice', () => {
    expect(() => parseAsOf('0:1,0:2')).toThrow('names topic partition 0 twice')
  })

  test.prop([fc.uniqueArray(fc.tuple(fc.nat(99), fc.nat()), { selector: ([at]) => at, minLength: 1 })])(
    'the text of offsets is read as they are',
    (pairs) => {
      const ranges = pairs.map(([topicPartition, to]) => ({ topicPartition, to: BigInt(to) }))
      const next = new Map(ranges.map(({ topicPartition, to }) => [topicPartition, to]))
      expect(parseAsOf(offsetsText(ranges))).toEqual({ kind: 'offsets', next })
    },
  )
})

describe('what is read to stand at offsets', () => {
  const there = kept([5, 20], [0, 30], [0, 0])

  it('from the beginning of each topic partition to before its offset, and nothing of those that are not named', () => {
    expect(upTo('0:12,1:30', there)).toEqual([
      { topicPartition: 0, from: 5n, to: 12n },
      { topicPartition: 1, from: 0n, to: 30n },
      { topicPartition: 2, from: 0n, to: 0n },
    ])
  })

  it.each([
    [
      '0:4',
      '--as-of 0:4 lies before the beginning of topic "t.status", whose retention has removed what was there: the earliest possible is 0:5,1:0,2:0',
    ],
    // Topic partition 0 is not named: nothing of it is to be read, and what is before its beginning is not known.
    ['1:3', 'the earliest possible is 0:5,1:0,2:0'],
    ['0:21,1:30', '--as-of 0:21 lies beyond the end of topic "t.status", which is 0:20,1:30,2:0'],
    ['0:6,3:0', 'topic "t.status" has no topic partition 3: it has 0 to 2, and ends at 0:20,1:30,2:0'],
    [
      '12',
      '--as-of 12 does not say of which of the 3 topic partitions of topic "t.status": name them, as in 0:20,1:30,2:0',
    ],
  ])('%s is refused with what is possible', (text, message) => {
    expect(() => upTo(text, there)).toThrow(message)
  })

  it('one offset is that of the only topic partition', () => {
    expect(upTo('12', kept([0, 30]))).toEqual([{ topicPartition: 0, from: 0n, to: 12n }])
  })
})

describe('a time', () => {
  const [now, firstAt] = [new Date('2026-01-31T12:00:00Z'), new Map([[0, new Date('2026-01-31T10:00:00Z')]])]
  const require = (time: string, there: TopicRange[]) => () =>
    requireTime('t.status', there, new Date(time), { now, firstAt })

  it('is refused in the future, with the end', () => {
    expect(require('2026-01-31T12:00:01Z', kept([0, 7]))).toThrow(
      '--as-of 2026-01-31T12:00:01.000Z lies in the future: topic "t.status" ends at 0:7 now, at 2026-01-31T12:00:00.000Z',
    )
  })

  it('is refused before what retention has left, with the earliest possible', () => {
    expect(require('2026-01-31T09:59:59Z', kept([3, 7]))).toThrow(
      'whose retention has removed what was there: the earliest possible is 2026-01-31T10:00:00.000Z',
    )
    expect(require('2026-01-31T10:00:00Z', kept([3, 7]))).not.toThrow()
  })

  it('before the first record of a topic that has all of them is a time at which nothing had been told', () => {
    expect(require('1999-01-01T00:00:00Z', kept([0, 7]))).not.toThrow()
  })
})
