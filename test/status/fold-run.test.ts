import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { createRunFold, type RunProgress } from '../../src/status/fold-run.ts'

const runId = '0190a7e2-0000-7000-8000-000000000001'
const partitionId = (index: number): string => `0190a7e2-0000-5000-8000-00000000000${index}`
const at = '2026-01-01T00:00:00Z'
const zeros = '0'.repeat(64)

const planned: StatusEvent = {
  version: 1,
  type: 'run.planned',
  at,
  runId,
  backfill: 'flights',
  requestKey: 'k',
  definitionHash: zeros,
  planHash: zeros,
  partitions: 2,
  range: { kind: 'integer', from: '0', to: '200' },
  estimatedRows: 200,
}

function ofPartition(
  type: 'claimed' | 'progressed' | 'completed',
  index: number,
  epoch: number,
  sequence: number,
  worker: string,
): StatusEvent {
  const rows = sequence * 50
  const event = {
    version: 1 as const,
    at,
    runId,
    backfill: 'flights',
    partitionId: partitionId(index),
    index,
    epoch,
    sequence,
    cursor: sequence === 0 ? null : String(rows - 1),
    totals: {
      rowsRead: rows,
      rowsWritten: rows,
      rowsFiltered: 0,
      rowsRejected: 0,
      chunks: sequence,
      contentHash: String(sequence * 7),
    },
    worker,
    topicPartition: index,
  }
  switch (type) {
    case 'claimed':
      return { ...event, type: 'partition.claimed', range: { kind: 'integer', from: '0', to: '100' } }
    case 'progressed':
      return { ...event, type: 'partition.progressed', timings: { readMs: 1, transformMs: 1, writeMs: 1 } }
    case 'completed':
      return { ...event, type: 'partition.completed' }
  }
}

/** Partition 0 by one worker; partition 1 taken over after its first chunk. */
const history: readonly StatusEvent[] = [
  planned,
  ofPartition('claimed', 0, 1, 0, 'worker-1'),
  ofPartition('progressed', 0, 1, 1, 'worker-1'),
  ofPartition('completed', 0, 1, 2, 'worker-1'),
  ofPartition('claimed', 1, 1, 0, 'worker-1'),
  ofPartition('progressed', 1, 1, 1, 'worker-1'),
  ofPartition('claimed', 1, 2, 1, 'worker-2'),
  ofPartition('completed', 1, 2, 2, 'worker-2'),
]

function fold(events: readonly StatusEvent[]): RunProgress {
  const run = createRunFold(runId)
  for (const event of events) run.apply(event)
  return run.progress()
}

describe('progress of a run', () => {
  test('before anything is told it is being planned', () => {
    expect(fold([])).toMatchObject({ state: 'planning', partitions: null, estimatedRows: null })
  })

  test('in the middle', () => {
    expect(fold(history.slice(0, 7))).toMatchObject({
      state: 'running',
      partitions: 2,
      partitionsRunning: 1,
      partitionsCompleted: 1,
      totals: { rowsRead: 150, chunks: 3, contentHash: '21' },
      takeovers: 1,
      largestChunkRows: 50,
      workers: [
        { worker: 'worker-1', rowsRead: 150, partitionsRunning: 0 },
        { worker: 'worker-2', rowsRead: 0, partitionsRunning: 1 },
      ],
    })
  })

  test('events of another run change nothing', () => {
    const other = createRunFold('0190a7e2-0000-7000-8000-000000000002')
    for (const event of history) other.apply(event)
    expect(other.progress()).toMatchObject({ state: 'planning', workers: [] })
  })

  test('the end tells all partitions, also when the last of their events are still on the way', () => {
    const totals = { rowsRead: 200, rowsWritten: 200, rowsFiltered: 0, rowsRejected: 0, chunks: 4, contentHash: '28' }
    const end: StatusEvent = {
      version: 1,
      type: 'run.completed',
      at,
      runId,
      backfill: 'flights',
      state: 'completed',
      partitions: 2,
      partitionsFailed: 0,
      partitionsCancelled: 0,
      totals,
    }
    expect(fold([...history.slice(0, 6), end])).toMatchObject({
      state: 'completed',
      partitionsCompleted: 2,
      totals,
      toldCompletely: false,
    })
    expect(fold([end, ...history])).toMatchObject({ state: 'completed', totals, toldCompletely: true })
  })

  test('what is wanted shows, in the order of the control sequence', () => {
    const intended = {
      version: 1 as const,
      at,
      runId,
      backfill: 'flights',
      requestKey: 'k',
      requestedBy: null,
      reason: null,
    }
    const paused: StatusEvent = { ...intended, type: 'run.paused', sequence: 1 }
    const resumed: StatusEvent = { ...intended, type: 'run.resumed', sequence: 2 }
    expect(fold([...history, paused]).state).toBe('paused')
    expect(fold([resumed, ...history, paused]).state).toBe('running')
    expect(fold([{ ...paused, type: 'run.cancelling', sequence: 3 }, paused, resumed]).state).toBe('cancelling')
    const changes = { weight: { from: 1, to: 2 } }
    expect(fold([...history, paused, { ...paused, type: 'run.tuned', sequence: 2, changes }]).state).toBe('paused')
  })

  test('a cancelled run has its partitions counted by how they ended; who was never at work is no worker', () => {
    const totals = { rowsRead: 100, rowsWritten: 100, rowsFiltered: 0, rowsRejected: 0, chunks: 2, contentHash: '14' }
    const cancelled: StatusEvent = {
      ...ofPartition('completed', 1, 0, 0, 'unknown'),
      type: 'partition.cancelled',
    } as StatusEvent
    const end: StatusEvent = {
      ...{ version: 1, type: 'run.cancelled', at, runId, backfill: 'flights', state: 'cancelled', partitions: 2 },
      ...{ partitionsFailed: 0, partitionsCancelled: 1, totals },
    }
    const before = fold([...history.slice(0, 4), cancelled])
    expect(before).toMatchObject({ partitionsCompleted: 1, partitionsCancelled: 1, partitionsRunning: 0 })
    expect(before.workers.map(({ worker }) => worker)).toEqual(['worker-1'])
    expect(fold([...history.slice(0, 4), end])).toMatchObject({ state: 'cancelled', toldCompletely: false })
    expect(fold([...history.slice(0, 4), end, cancelled])).toMatchObject({
      ...{ state: 'cancelled', partitionsCompleted: 1, partitionsCancelled: 1, totals, toldCompletely: true },
    })
  })

  test.prop([fc.shuffledSubarray([...history, ...history], { minLength: history.length * 2 })])(
    'any order and any number of tellings give the same totals and states',
    (events) => {
      const straight = fold(history)
      const { totals, state, partitionsCompleted, partitionsRunning, takeovers } = fold(events)
      expect({ totals, state, partitionsCompleted, partitionsRunning, takeovers }).toEqual({
        totals: straight.totals,
        state: straight.state,
        partitionsCompleted: 2,
        partitionsRunning: 0,
        takeovers: 1,
      })
    },
  )
})
