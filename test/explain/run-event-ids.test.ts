import { expect, test } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { runEventIds } from '../../src/explain/run-event-ids.ts'
import { eventIdOf } from '../../src/status/event-id.ts'
import { completed } from '../support/partition-events.ts'

const { runId, backfill, at } = completed()
const ofRun = { version: 1 as const, runId, backfill, at }
const asked = { requestKey: 'k', requestedBy: null, reason: null }

/** One of each kind, with a control sequence where it has one. */
const ofRunAsAWhole = (sequence: number): StatusEvent[] => [
  {
    ...{ ...ofRun, type: 'run.planned', requestKey: 'k', definitionHash: '', planHash: '', partitions: 1 },
    ...{ range: { kind: 'integer', from: '0', to: '1' }, estimatedRows: null },
  },
  ...(['run.completed', 'run.failed', 'run.cancelled'] as const).map(
    (type): StatusEvent => ({
      ...{
        ...ofRun,
        type,
        state: 'completed',
        partitions: 1,
        partitionsFailed: 0,
        partitionsCancelled: 0,
        totals: noTotals,
      },
    }),
  ),
  { ...ofRun, ...asked, type: 'run.archived' },
  ...(['run.paused', 'run.resumed', 'run.cancelling'] as const).map(
    (type): StatusEvent => ({ ...ofRun, ...asked, type, sequence }),
  ),
  { ...ofRun, ...asked, type: 'run.tuned', sequence, changes: {} },
]

test('the ids of what is told of a run are those that its events get', () => {
  const ids = runEventIds(runId, 3)
  const told = [1, 2, 3].flatMap(ofRunAsAWhole).map(eventIdOf)
  expect(new Set(ids)).toEqual(new Set(told))
  expect(ids).toHaveLength(new Set(told).size)
  expect(ids).not.toContain(ofRunAsAWhole(4).map(eventIdOf).at(-1))
})
