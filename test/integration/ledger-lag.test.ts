// Risk: nobody sees that the ledger is behind, or somebody is told it is when there is nothing to read.
import { expect, test } from 'vitest'
import { ledgerLag } from '../../src/ledger/ledger-lag.ts'
import { recordEvents } from '../../src/ledger/record-events.ts'
import { controlDatabase } from '../support/control-database.ts'

test('the lag is what stands between where the ledger goes on and where the topic partition ends', async () => {
  const { pool, schema } = await controlDatabase()
  for (const [topicPartition, nextOffset] of [
    [0, '90'],
    [1, '50'],
    [3, '7'],
  ] as const)
    await recordEvents(pool, schema, [], { topic: 'status', topicPartition, nextOffset })
  const ends = [
    // What retention removed before it was read is lost to the ledger, not to be waited for.
    { topicPartition: 3, from: '20', to: '25' },
    { topicPartition: 2, from: '0', to: '12' },
    { topicPartition: 1, from: '0', to: '50' },
    { topicPartition: 0, from: '0', to: '100' },
  ]
  expect(await ledgerLag(pool, schema, 'status', ends)).toEqual([
    { topicPartition: 0, nextOffset: '90', endOffset: '100', records: 10 },
    { topicPartition: 1, nextOffset: '50', endOffset: '50', records: 0 },
    { topicPartition: 2, nextOffset: null, endOffset: '12', records: 12 },
    { topicPartition: 3, nextOffset: '7', endOffset: '25', records: 5 },
  ])
  expect((await ledgerLag(pool, schema, 'other', ends)).map(({ records }) => records)).toEqual([100, 50, 12, 5])
})
