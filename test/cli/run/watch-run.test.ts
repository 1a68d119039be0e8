import { describe, expect, test } from 'vitest'
import { watchRun } from '../../../src/cli/run/watch-run.ts'
import type { StatusEvent } from '../../../src/contract/status.ts'
import { createListening } from '../../../src/subscribe/event-stream.ts'
import { type RunEvents, runEvents, type Sent } from '../../../src/subscribe/watch-run.ts'
import { handTopic } from '../../support/hand-topic.ts'
import {
  accepted,
  duplicate,
  ended,
  ofPartition,
  planned,
  rejected,
  requestHash,
  runId,
} from '../../support/run-history.ts'

const request = { requestKey: 'k', requestHash }
const never = new AbortController().signal

/** Events as they stand in one topic partition. */
function told(wanted: string | Sent, ...events: StatusEvent[]): RunEvents {
  const skipped = { malformed: 0, newer: 0 }
  return runEvents(createListening(handTopic([events]), { from: 'beginning', signal: never, skipped }), wanted, never)
}

describe('watching a run', () => {
  test('from the answer to the end', async () => {
    const watch = watchRun(told(request, accepted, planned(1), ...ofPartition(0), ended(1)))
    expect(await watch.answered).toEqual({ runId, duplicate: false })
    await watch.planned
    expect(await watch.ended).toMatchObject({ state: 'completed', totals: { rowsRead: 10 }, toldCompletely: true })
  })

  test('the answer may come after everything else', async () => {
    const watch = watchRun(told(request, planned(1), ended(1), ...ofPartition(0), accepted))
    expect(await watch.ended).toMatchObject({ state: 'completed', totals: { rowsRead: 10 } })
  })

  test('the end is told last, though it may be read first', async () => {
    const types: string[] = []
    await watchRun(told(runId, ended(1), planned(1), ...ofPartition(0)), ({ type }) => types.push(type)).ended
    expect(types).toEqual([
      ...['run.planned', 'partition.claimed', 'partition.progressed', 'partition.completed', 'run.completed'],
    ])
  })

  test('a run that is known needs no answer', async () => {
    expect(await watchRun(told(runId)).answered).toEqual({ runId, duplicate: false })
  })

  test('a rejected request is told with every reason', async () => {
    const { answered, ended } = watchRun(told(request, rejected))
    await expect(answered).rejects.toMatchObject({ exitCode: 2, reasons: ['one', 'two'] })
    await expect(ended).rejects.toThrow('nobody follows')
  })

  test('answers to other requests are not ours', async () => {
    const other = { ...rejected, requestHash: 'b'.repeat(64) } as StatusEvent
    expect(await watchRun(told(request, other, accepted)).answered).toEqual({ runId, duplicate: false })
  })

  test('a duplicate names the run that was asked for before', async () => {
    expect(await watchRun(told(request, duplicate)).answered).toEqual({ runId, duplicate: true })
  })
})
