import fc from 'fast-check'
import type { StatusEvent } from '../../src/contract/status.ts'

const uuid = (kind: number, n: number): string => `0000000${kind}-0000-4000-8000-${String(n).padStart(12, '0')}`
const sha = (n: number): string => String(n).padStart(64, '0')
/** Text with six digits of fraction, as `readEvent` makes it. */
const instant = (n: number): string => `2026-11-23T12:00:00.${String(n).padStart(6, '0')}Z`

const total = (
  n: number,
): {
  rowsRead: number
  rowsWritten: number
  rowsFiltered: number
  rowsRejected: number
  chunks: number
  contentHash: string
} => ({
  rowsRead: n * 10,
  rowsWritten: n * 9,
  rowsFiltered: n,
  rowsRejected: 0,
  chunks: n,
  contentHash: (BigInt(n) * 10n ** 20n).toString(),
})

const told = fc.record({
  at: fc.integer({ min: 0, max: 3 }).map(instant),
  worker: fc.constantFrom('worker-1', 'worker-2'),
  topicPartition: fc.nat(1),
})

/** Facts of few partitions: what a fact says follows from its identity, who told it when does not. */
const partitionEvent = fc
  .record({
    told,
    partition: fc.nat(1),
    epoch: fc.integer({ min: 1, max: 2 }),
    sequence: fc.nat(1),
    type: fc.constantFrom(
      'partition.claimed',
      'partition.progressed',
      'partition.completed',
      'partition.failed',
      'partition.cancelled',
    ),
  })
  .map(({ told, partition, epoch, sequence, type }): StatusEvent => {
    const common = {
      version: 1 as const,
      runId: uuid(1, partition % 2),
      backfill: 'orders-v2',
      partitionId: uuid(2, partition),
      index: partition,
      epoch,
      sequence,
      cursor: sequence === 0 ? null : String(sequence),
      totals: total(sequence),
      ...told,
    }
    switch (type) {
      case 'partition.claimed':
        return { ...common, type, range: { kind: 'integer', from: '0', to: '100' } }
      case 'partition.progressed':
        return { ...common, type, timings: { readMs: 1, transformMs: 2, writeMs: 3 } }
      case 'partition.completed':
        return { ...common, type }
      case 'partition.cancelled':
        return { ...common, type }
      case 'partition.failed':
        return { ...common, type, reason: 'ROW_INVALID', message: `at ${sequence}`, attempts: 1 }
    }
  })

const runEvent = fc
  .record({
    at: fc.integer({ min: 0, max: 20 }).map(instant),
    run: fc.nat(1),
    type: fc.constantFrom('run.planned', 'run.completed', 'run.failed', 'run.cancelled'),
  })
  .map(({ at, run, type }): StatusEvent => {
    const common = { version: 1 as const, runId: uuid(1, run), backfill: 'orders-v2', at, partitions: 3 }
    return type === 'run.planned'
      ? {
          ...common,
          type,
          requestKey: `key-${run}`,
          definitionHash: sha(1),
          planHash: sha(2),
          range: { kind: 'integer', from: '0', to: '300' },
          estimatedRows: null,
        }
      : {
          ...common,
          type,
          state: type === 'run.completed' ? 'completed' : type === 'run.failed' ? 'failed' : 'cancelled',
          partitionsFailed: type === 'run.failed' ? 1 : 0,
          partitionsCancelled: type === 'run.cancelled' ? 1 : 0,
          totals: total(3),
        }
  })

const answer = fc
  .record({
    at: fc.integer({ min: 0, max: 20 }).map(instant),
    key: fc.constantFrom('key-0', null),
    type: fc.constantFrom('request.accepted', 'request.duplicate', 'request.rejected'),
  })
  .map(({ at, key, type }): StatusEvent => {
    const common = { version: 1 as const, requestKey: key, requestHash: sha(3), at }
    return type === 'request.rejected'
      ? { ...common, type, reasons: [`told at ${at}`] }
      : { ...common, type, runId: uuid(1, 0) }
  })

const republished = fc.nat(20).map(
  (at): StatusEvent => ({
    version: 1,
    type: 'partition.republished',
    runId: uuid(1, 0),
    backfill: 'orders-v2',
    partitionId: uuid(2, 0),
    index: 0,
    message: 'no open task',
    at: instant(at),
  }),
)

const acknowledged = fc
  .record({ at: fc.integer({ min: 0, max: 20 }).map(instant), run: fc.nat(1), worker: fc.nat(1), sequence: fc.nat(2) })
  .chain(({ at, run, worker, sequence }) =>
    fc.record({ intent: fc.constantFrom('running', 'paused', 'cancelled'), atStart: fc.boolean() }).map(
      (told): StatusEvent => ({
        ...{ version: 1, type: 'intent.acknowledged', at, runId: uuid(1, run), backfill: 'orders-v2' },
        ...{ ...told, sequence, worker: `worker-${worker}` },
      }),
    ),
  )

const changed = fc
  .record({
    at: fc.integer({ min: 0, max: 20 }).map(instant),
    run: fc.nat(1),
    sequence: fc.nat(2),
    tunes: fc.boolean(),
  })
  .map(({ at, run, sequence, tunes }): StatusEvent => {
    const common = { version: 1 as const, at, runId: uuid(1, run), backfill: 'orders-v2' }
    const asked = { requestKey: `key-${sequence}`, requestedBy: null, reason: null }
    return tunes
      ? { ...common, ...asked, type: 'run.tuned', sequence, changes: { chunkRows: { from: null, to: sequence } } }
      : { ...common, ...asked, type: 'run.archived' }
  })

/** Status events, many of them about the same few things. */
export const anyStatusEvent: fc.Arbitrary<StatusEvent> = fc.oneof(
  { arbitrary: partitionEvent, weight: 6 },
  { arbitrary: runEvent, weight: 2 },
  { arbitrary: answer, weight: 1 },
  { arbitrary: acknowledged, weight: 1 },
  { arbitrary: republished, weight: 1 },
  { arbitrary: changed, weight: 1 },
)

/** A multiset of facts, and some order of it with some told again. */
export const toldInAnyOrder: fc.Arbitrary<{ once: StatusEvent[]; again: StatusEvent[] }> = fc
  .array(anyStatusEvent, { minLength: 1, maxLength: 40 })
  .chain((once) =>
    fc
      .shuffledSubarray([...once, ...once], { minLength: once.length, maxLength: 2 * once.length })
      .map((some) => ({ once, again: [...some, ...once.filter((event) => !some.includes(event))] })),
  )
