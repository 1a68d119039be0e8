import fc from 'fast-check'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { PlacedEvent } from '../../src/ledger/placed-event.ts'

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

/**
 * Facts of few partitions: what a fact says follows from its identity, who told it when does not, nor how long it took. Now
 * and then it is a lie.
 */
const partitionEvent = fc
  .record({
    told,
    lie: fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: fc.constantFrom(1, 2), weight: 1 }),
    tookMs: fc.constantFrom(0, 0.1, 0.2, 1e6 / 3),
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
  .map(({ told, lie, tookMs, partition, epoch, sequence, type }): StatusEvent => {
    const common = {
      version: 1 as const,
      runId: uuid(1, partition % 2),
      backfill: 'orders-v2',
      partitionId: uuid(2, partition),
      index: partition,
      epoch,
      sequence,
      cursor: sequence === 0 ? null : String(sequence),
      totals: total(sequence + lie),
      ...told,
    }
    switch (type) {
      case 'partition.claimed':
        return { ...common, type, range: { kind: 'integer', from: '0', to: '100' } }
      case 'partition.progressed':
        return { ...common, type, timings: { readMs: tookMs, transformMs: 2, writeMs: 0.7 } }
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

const alert = fc
  .record({
    at: fc.integer({ min: 0, max: 20 }).map(instant),
    alert: fc.nat(1),
    isRaised: fc.boolean(),
    rows: fc.nat(3),
    about: fc.constantFrom({}, { runId: uuid(1, 0) }, { runId: uuid(1, 1), partitionId: uuid(2, 1), index: 1 }),
  })
  .map(({ at, alert, isRaised, rows, about }): StatusEvent => {
    const of = { version: 1 as const, at, alertId: uuid(3, alert), kind: 'hashDiffers' as const, about }
    const severity = 'critical' as const
    return isRaised
      ? { ...of, severity, type: 'alert.raised', message: `${rows} rows differ`, remedy: 'look' }
      : { ...of, severity, type: 'alert.resolved', message: 'it is over' }
  })

const repaired = fc.record({ at: fc.nat(20), partition: fc.nat(1) }).map(
  ({ at, partition }): StatusEvent => ({
    ...{ version: 1, type: 'repair.made', kind: 'eventLost', message: 'told again', at: instant(at) },
    about: { runId: uuid(1, partition), partitionId: uuid(2, partition) },
  }),
)

const workerEvent = fc
  .record({
    at: fc.integer({ min: 0, max: 20 }).map(instant),
    worker: fc.constantFrom('worker-1', 'worker-2'),
    instance: fc.nat(1),
    sequence: fc.nat(2),
    type: fc.constantFrom('worker.started', 'worker.alive', 'worker.stopped', 'worker.lost'),
    running: fc.nat(4),
  })
  .map(({ type, running, instance, ...who }): StatusEvent => {
    const of = { version: 1 as const, ...who, instance: uuid(4, instance) }
    return type === 'worker.lost'
      ? { ...of, type, message: 'not heard of' }
      : { ...of, type, slots: 8, running, lanes: [running], residentMb: 99.5, cpuShare: 0.25, loopDelayMs: running / 3 }
  })

/** Status events, many of them about the same few things. */
export const anyStatusEvent: fc.Arbitrary<StatusEvent> = fc.oneof(
  { arbitrary: partitionEvent, weight: 8 },
  { arbitrary: runEvent, weight: 2 },
  { arbitrary: answer, weight: 1 },
  { arbitrary: acknowledged, weight: 1 },
  { arbitrary: republished, weight: 1 },
  { arbitrary: changed, weight: 1 },
  { arbitrary: alert, weight: 1 },
  { arbitrary: repaired, weight: 1 },
  { arbitrary: workerEvent, weight: 1 },
)

export interface History {
  /** As they stand in one topic partition. */
  readonly once: readonly PlacedEvent[]
  /** All of them in some order, some of them read again. */
  readonly again: readonly PlacedEvent[]
}

/** Some of the events are copies of facts that were told before, others contradict them. */
export const toldInAnyOrder: fc.Arbitrary<History> = fc
  .array(anyStatusEvent, { minLength: 1, maxLength: 40 })
  .map((events) => events.map((event, at): PlacedEvent => ({ event, offset: String(at) })))
  .chain((once) =>
    fc
      .shuffledSubarray([...once, ...once], { minLength: once.length, maxLength: 2 * once.length })
      .map((some) => ({ once, again: [...some, ...once.filter((event) => !some.includes(event))] })),
  )

/** Cuts of a history into batches anywhere: how many events each of them has, over and over. */
export const batchSizes: fc.Arbitrary<readonly number[]> = fc.array(fc.integer({ min: 1, max: 12 }), {
  minLength: 1,
  maxLength: 6,
})

export function* inBatches<Item>(items: readonly Item[], sizes: readonly number[]): Generator<readonly Item[]> {
  for (let at = 0, batch = 0; at < items.length; batch += 1) {
    const size = sizes[batch % sizes.length] ?? 1
    yield items.slice(at, at + size)
    at += size
  }
}
