import { describe, expect, test } from 'vitest'
import { watchRun } from '../../../src/cli/run/watch-run.ts'
import type { StatusEvent } from '../../../src/contract/status.ts'

const runId = '0190a7e2-0000-7000-8000-000000000001'
const requestHash = 'a'.repeat(64)
const at = '2026-01-01T00:00:00Z'
const ofRun = { version: 1 as const, at, runId, backfill: 'flights' }
const totals = { rowsRead: 5, rowsWritten: 5, rowsFiltered: 0, rowsRejected: 0, chunks: 1, contentHash: '9' }

const accepted: StatusEvent = { version: 1, type: 'request.accepted', at, requestKey: 'k', requestHash, runId }
const rejected: StatusEvent = {
  version: 1,
  type: 'request.rejected',
  at,
  requestKey: 'k',
  requestHash,
  reasons: ['one', 'two'],
}
const planned: StatusEvent = {
  ...ofRun,
  type: 'run.planned',
  requestKey: 'k',
  definitionHash: requestHash,
  planHash: requestHash,
  partitions: 1,
  range: { kind: 'integer', from: '0', to: '5' },
  estimatedRows: 5,
}
const completed: StatusEvent = {
  ...ofRun,
  type: 'partition.completed',
  partitionId: '0190a7e2-0000-5000-8000-000000000001',
  index: 0,
  epoch: 1,
  sequence: 1,
  cursor: '4',
  totals,
  worker: 'worker-1',
  topicPartition: 0,
}
const end: StatusEvent = {
  ...ofRun,
  type: 'run.completed',
  state: 'completed',
  partitions: 1,
  partitionsFailed: 0,
  partitionsCancelled: 0,
  totals,
}

async function* told(...events: StatusEvent[]): AsyncGenerator<StatusEvent> {
  for (const event of events) yield await Promise.resolve(event)
  await new Promise(() => {})
}
const request = { requestKey: 'k', requestHash }

describe('watching a run', () => {
  test('from the answer to the end', async () => {
    const watch = watchRun(told(accepted, planned, completed, end), request)
    expect(await watch.answered).toEqual({ runId, duplicate: false })
    await watch.planned
    expect(await watch.ended).toMatchObject({ state: 'completed', totals, toldCompletely: true })
  })

  test('the answer may come after everything else', async () => {
    const watch = watchRun(told(planned, end, completed, accepted), request)
    expect(await watch.ended).toMatchObject({ state: 'completed', totals })
  })

  test('the end is told last, though it may be read first', async () => {
    const types: string[] = []
    await watchRun(told(end, planned, completed), { runId }, ({ type }) => types.push(type)).ended
    expect(types).toEqual(['run.planned', 'partition.completed', 'run.completed'])
  })

  test('a rejected request is told with every reason', async () => {
    const { answered } = watchRun(told(rejected), request)
    await expect(answered).rejects.toMatchObject({ exitCode: 2, reasons: ['one', 'two'] })
  })

  test('answers to other requests are not ours', async () => {
    const other: StatusEvent = { ...rejected, requestHash: 'b'.repeat(64) }
    expect(await watchRun(told(other, accepted), request).answered).toEqual({ runId, duplicate: false })
  })

  test('a duplicate names the run that was asked for before', async () => {
    const duplicate: StatusEvent = { version: 1, type: 'request.duplicate', at, requestKey: 'k', requestHash, runId }
    expect(await watchRun(told(duplicate), request).answered).toEqual({ runId, duplicate: true })
  })
})
