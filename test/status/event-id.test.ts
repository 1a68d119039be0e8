import { expect, test } from 'vitest'
import { statusIdentity } from '../../src/contract/status.ts'
import { eventHeaders } from '../../src/kafka/cloud-event.ts'
import { eventIdOf } from '../../src/status/event-id.ts'
import { completed } from '../support/partition-events.ts'

test('the id of a fact is its ce_id, whoever tells it', () => {
  const event = completed({ worker: 'worker-7' })
  const headers = eventHeaders({
    identity: statusIdentity(event),
    type: event.type,
    source: 'worker/worker-7',
    subject: event.partitionId,
    time: event.at,
    contentType: 'application/json',
    runId: event.runId,
  })
  expect(eventIdOf(event)).toBe(headers.ce_id)
  expect(eventIdOf(completed({ worker: 'worker-8', at: '2026-11-24T00:00:00Z' }))).toBe(headers.ce_id)
  expect(eventIdOf(completed({ epoch: 2 }))).not.toBe(headers.ce_id)
})
