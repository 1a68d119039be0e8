import type { StatusEvent } from '../../src/contract/status.ts'

const at = '2026-01-01T00:00:00Z'
const hash = 'a'.repeat(64)

export const runId = '0190a7e2-0000-7000-8000-000000000001'
export const requestHash = hash
const ofRun = { version: 1 as const, at, runId, backfill: 'flights' }
const totalsOf = (chunks: number) => ({
  ...{ rowsRead: chunks * 5, rowsWritten: chunks * 5, rowsFiltered: 0, rowsRejected: 0 },
  ...{ chunks, contentHash: String(chunks * 9) },
})

export const accepted: StatusEvent = {
  ...{ version: 1, type: 'request.accepted', at, requestKey: 'k', requestHash, runId },
}
export const rejected: StatusEvent = {
  ...{ version: 1, type: 'request.rejected', at, requestKey: 'k', requestHash, reasons: ['one', 'two'] },
}
export const duplicate: StatusEvent = { ...accepted, type: 'request.duplicate' }

export const planned = (partitions: number): StatusEvent => ({
  ...{ ...ofRun, type: 'run.planned', requestKey: 'k', definitionHash: hash, planHash: hash, partitions },
  ...{ range: { kind: 'integer', from: '0', to: '500' }, estimatedRows: 5 * partitions },
})

export const ended = (partitions: number): StatusEvent => ({
  ...{ ...ofRun, type: 'run.completed', state: 'completed', partitions, partitionsFailed: 0, partitionsCancelled: 0 },
  totals: totalsOf(2 * partitions),
})

/** What is told of one partition: claimed, two chunks, completed. */
export function ofPartition(index: number): StatusEvent[] {
  const partitionId = `0190a7e2-0000-5000-8000-${String(index).padStart(12, '0')}`
  const event = (sequence: number) => ({
    ...{ ...ofRun, partitionId, index, epoch: 1, sequence, cursor: sequence === 0 ? null : String(sequence) },
    ...{ totals: totalsOf(sequence), worker: 'worker-1', topicPartition: index },
  })
  return [
    { ...event(0), type: 'partition.claimed', range: { kind: 'integer', from: '0', to: '5' } },
    { ...event(1), type: 'partition.progressed', timings: { readMs: 1, transformMs: 1, writeMs: 1 } },
    { ...event(2), type: 'partition.completed' },
  ]
}
