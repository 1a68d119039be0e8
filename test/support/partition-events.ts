import { noTotals } from '../../src/contract/certificate.ts'
import type { PartitionEvent } from '../../src/contract/status.ts'

type Given = Partial<Omit<PartitionCompleted, 'type' | 'version'>>
type PartitionCompleted = Extract<PartitionEvent, { type: 'partition.completed' }>
type PartitionFailed = Extract<PartitionEvent, { type: 'partition.failed' }>

const common = {
  version: 1 as const,
  runId: '019aa000-0000-7000-8000-000000000001',
  backfill: 'orders-v2',
  partitionId: '00000002-0000-4000-8000-000000000001',
  index: 0,
  epoch: 1,
  sequence: 0,
  cursor: null,
  totals: noTotals,
  worker: 'worker-1',
  topicPartition: 0,
  at: '2026-11-23T12:00:00.000000Z',
}

/** Events of one partition of one run, unless told otherwise. */
export const claimed = (given: Given = {}): PartitionEvent => ({
  ...common,
  range: { kind: 'integer', from: '0', to: '100' },
  ...given,
  type: 'partition.claimed',
})
export const progressed = (given: Given = {}): PartitionEvent => ({
  ...common,
  timings: { readMs: 1, transformMs: 1, writeMs: 1 },
  ...given,
  type: 'partition.progressed',
})
export const completed = (given: Given = {}): PartitionEvent => ({ ...common, ...given, type: 'partition.completed' })
export const failed = (given: Partial<Omit<PartitionFailed, 'type' | 'version'>> = {}): PartitionEvent => ({
  ...common,
  reason: 'ROW_INVALID',
  message: 'amount is not a number',
  attempts: 1,
  ...given,
  type: 'partition.failed',
})
