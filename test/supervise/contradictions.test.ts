import { expect, test } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import type { Contradiction } from '../../src/ledger/query/contradictions.ts'
import { contradictionConditions } from '../../src/supervise/contradictions.ts'

const [runId, partitionId] = ['00000001-0000-4000-8000-00000000000a', '00000002-0000-4000-8000-00000000000a']
const event = {
  ...{
    version: 1,
    type: 'partition.completed',
    at: '2026-01-01T00:00:00.000Z',
    runId,
    backfill: 'orders',
    partitionId,
  },
  ...{ index: 3, epoch: 1, sequence: 4, worker: 'w1', topicPartition: 2 },
} as StatusEvent
const contradiction: Contradiction = {
  eventId: '00000003-0000-4000-8000-00000000000a',
  versions: [
    { event, topicPartition: 5, offset: '17' },
    { event, topicPartition: 5, offset: '40' },
  ],
  recordedAt: '2026-01-01T00:00:00.000Z',
}
const after = (ms: number): Date => new Date(Date.parse(contradiction.recordedAt) + ms)

test('a contradiction names what it is about and where both versions stand', () => {
  expect(contradictionConditions([contradiction], after(1_000), 60_000)).toMatchObject([
    {
      ...{
        kind: 'eventContradicted',
        severity: 'critical',
        about: { runId, backfill: 'orders', partitionId, index: 3 },
      },
      message: `partition.completed ${contradiction.eventId} was told in 2 versions: topic partition and offset 5/17 and 5/40`,
    },
  ])
})

test('one of long ago is nothing new', () => {
  expect(contradictionConditions([contradiction], after(60_001), 60_000)).toEqual([])
})
