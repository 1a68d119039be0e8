import { describe, expect, it } from 'vitest'
import type { LedgerHash } from '../../src/ledger/ledger-hash.ts'
import { compareWithLive, type LiveStand, readByLive } from '../../src/ledger/live-stand.ts'
import type { TopicRange } from '../../src/status/topic-history.ts'

const ranges = (...some: [number, number][]): TopicRange[] =>
  some.map(([from, to], topicPartition) => ({ topicPartition, from: BigInt(from), to: BigInt(to) }))
const hashed = (hash: string, tables: Record<string, string> = {}): LedgerHash => ({
  hash,
  tables: Object.fromEntries(Object.entries(tables).map(([table, of]) => [table, { rows: 1, hash: of }])),
})
const stand = (next: [number, number][], ledger = hashed('a')): LiveStand => ({
  next: new Map(next.map(([topicPartition, offset]) => [topicPartition, BigInt(offset)])),
  ledger,
})

describe('what the live ledger has read of the ranges', () => {
  it('all of them, a part, or nothing yet of one', () => {
    const all = ranges([0, 10], [3, 20], [0, 0])
    expect(
      readByLive(
        all,
        stand([
          [0, 10],
          [1, 20],
        ]),
      ),
    ).toEqual(ranges([0, 10], [3, 20], [0, 0]))
    expect(readByLive(all, stand([[0, 7]]))).toEqual(ranges([0, 7], [3, 3], [0, 0]))
  })

  it('is not known when it has read on behind one of them, or stands before its beginning', () => {
    expect(
      readByLive(
        ranges([0, 10], [0, 10]),
        stand([
          [0, 10],
          [1, 11],
        ]),
      ),
    ).toBeNull()
    expect(readByLive(ranges([5, 10]), stand([[0, 4]]))).toBeNull()
  })
})

describe('a live ledger and one that was rebuilt', () => {
  it('are equal, or differ in tables', () => {
    const live = stand([], hashed('a', { ledger_history: '1', ledger_run: '2' }))
    expect(compareWithLive(live, ranges([0, 7]), hashed('a'))).toEqual({ equal: true, asOf: '0:7' })
    expect(compareWithLive(live, ranges([0, 7]), hashed('b', { ledger_history: '1', ledger_run: '3' }))).toEqual({
      ...{ equal: false, asOf: '0:7', hash: 'a', tables: ['ledger_run'] },
    })
  })

  it('cannot be equal when the first records of the topic are gone, unless they are', () => {
    const live = stand([], hashed('a', { ledger_history: '1' }))
    expect(compareWithLive(live, ranges([3, 7]), hashed('b'))).toEqual({
      equal: null,
      why: expect.stringContaining('retention'),
    })
    expect(compareWithLive(live, ranges([3, 7]), hashed('a'))).toMatchObject({ equal: true })
  })
})
