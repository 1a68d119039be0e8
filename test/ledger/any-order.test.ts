import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { versionsOf } from '../../src/ledger/contradictions.ts'
import { mergeEvents } from '../../src/ledger/merge.ts'
import type { PlacedEvent } from '../../src/ledger/placed-event.ts'
import { isOfHold } from '../../src/ledger/record/hold-record.ts'
import { timingsOf } from '../../src/ledger/timings.ts'
import { eventIdOf } from '../../src/status/event-id.ts'
import { type MemoryTables, memoryLedger } from '../support/memory-ledger.ts'
import { batchSizes, inBatches, toldInAnyOrder } from '../support/status-events.ts'

const recorded = (events: readonly PlacedEvent[], sizes: readonly number[]): MemoryTables => {
  const ledger = memoryLedger()
  for (const batch of inBatches(events, sizes)) ledger.record(batch)
  return ledger.tables
}

describe('a ledger that is fed in batches', () => {
  test.prop([toldInAnyOrder, batchSizes], { numRuns: 10_000 })(
    'is the same for any order, repetition and cut',
    ({ once, again }, sizes) => {
      expect(recorded(again, sizes)).toEqual(recorded(once, [once.length]))
    },
    300_000,
  )

  test.prop([toldInAnyOrder, batchSizes], { numRuns: 1_000 })(
    'says what all events together say',
    ({ once, again }, sizes) => {
      const { facts, partitions, holds } = recorded(again, sizes)
      const merged = mergeEvents(once)
      expect(facts).toEqual(merged.facts)
      expect(holds).toEqual(merged.holds)
      const told = [...partitions].map(([id, { timings: _timings, ...partition }]) => [id, partition] as const)
      expect(new Map(told)).toEqual(merged.partitions)
    },
  )

  test.prop([toldInAnyOrder, batchSizes], { numRuns: 1_000 })(
    'has sums that are those of its rows',
    ({ again }, sizes) => {
      const { facts, partitions, holds, runSums, shares } = recorded(again, sizes)
      for (const [runId, sums] of runSums) {
        const of = [...partitions.values()].filter((partition) => partition.runId === runId)
        const total = (count: (partition: (typeof of)[number]) => number | bigint): bigint =>
          of.reduce((sum, partition) => sum + BigInt(count(partition)), 0n)
        for (const state of ['running', 'completed', 'failed', 'cancelled'])
          expect(sums[state]).toBe(total((partition) => (partition.state === state ? 1 : 0)))
        expect(sums['rowsRead']).toBe(total(({ totals }) => totals.rowsRead))
        expect(sums['contentHash']).toBe(total(({ totals }) => BigInt(totals.contentHash)))
        expect(sums['claims']).toBe(total(({ epoch }) => epoch))
        const chunks = [...facts.values()].filter(({ event }) => isOf(event, runId))
        const spent = chunks.reduce((sum, { event }) => sum + BigInt(timingsOf(event).readMicros), 0n)
        expect(sums['readMicros']).toBe(spent)
      }
      for (const [key, sums] of shares) {
        const of = [...holds.values()].filter(({ runId, worker }) => key === `${runId}/${worker}`)
        expect(sums['claims']).toBe(BigInt(of.length))
        expect(sums['partitions']).toBe(BigInt(new Set(of.map(({ partitionId }) => partitionId)).size))
        expect(sums['rowsRead']).toBe(of.reduce((sum, { from, to }) => sum + BigInt(to.rowsRead - from.rowsRead), 0n))
      }
    },
  )

  test.prop([toldInAnyOrder, batchSizes], { numRuns: 1_000 })(
    'notes each version of a fact that was told in more than one, and no others',
    ({ once, again }, sizes) => {
      const copies = Map.groupBy(once, ({ event }) => eventIdOf(event))
      const versions = [...copies].map(([eventId, of]) => versionsOf(eventId, of)).filter(({ length }) => length > 1)
      const expected = versions.flat().map(({ eventId, factHash, copy }) => [`${eventId}/${factHash}`, copy] as const)
      expect(recorded(again, sizes).versions).toEqual(new Map(expected))
    },
  )
})

const isOf = (event: StatusEvent, runId: string): boolean =>
  'epoch' in event && isOfHold(event) && event.runId === runId

test.prop([fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 20 })])(
  'timings add up to the same in any order',
  (times) => {
    const micros = (all: readonly number[]): number =>
      all.reduce((sum, readMs) => sum + timingsOf(progress(readMs)).readMicros, 0)
    expect(micros(times)).toBe(micros(times.toReversed()))
  },
)

test.each([
  [-5, 0],
  [0.0005, 1],
  [1e300, 1e12],
])('%d ms that a chunk took are %d microseconds', (readMs, micros) => {
  expect(timingsOf(progress(readMs)).readMicros).toBe(micros)
})

const progress = (readMs: number): StatusEvent =>
  ({ type: 'partition.progressed', timings: { readMs, transformMs: 0, writeMs: 0 } }) as StatusEvent
