import { expect, test } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { StatusEvent } from '../../src/contract/status.ts'
import { factHash, versionsOf } from '../../src/ledger/contradictions.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'

const contradicts = (a: StatusEvent, b: StatusEvent): boolean => factHash(a) !== factHash(b)
const later = '2026-11-23T13:00:00.000000Z'

test.each<[string, StatusEvent, StatusEvent]>([
  ['another teller', completed(), completed({ worker: 'worker-2', topicPartition: 4, at: later })],
  ['why it failed in other words', failed(), failed({ reason: 'UNKNOWN', message: 'nobody told', attempts: 0 })],
  [
    'what was measured',
    progressed(),
    { ...progressed(), timings: { readMs: 9, transformMs: 9, writeMs: 9 } } as StatusEvent,
  ],
])('%s contradicts nobody', (_, a, b) => {
  expect(contradicts(a, b)).toBe(false)
})

test.each<[string, StatusEvent, StatusEvent]>([
  ['other counts', completed(), completed({ totals: { ...noTotals, rowsWritten: 1 } })],
  ['another content hash', completed(), completed({ totals: { ...noTotals, contentHash: '1' } })],
  ['another cursor', progressed({ cursor: '7' }), progressed({ cursor: '8' })],
  ['another range', claimed(), { ...claimed(), range: { kind: 'integer', from: '0', to: '50' } } as StatusEvent],
])('%s contradict', (_, a, b) => {
  expect(contradicts(a, b)).toBe(true)
})

test('fields may stand in any order, and text need not be Unicode', () => {
  const event = completed({ cursor: 'a\ud800' })
  const turned = Object.fromEntries(Object.entries(event).reverse()) as unknown as StatusEvent
  expect(contradicts(event, turned)).toBe(false)
})

test('each version is there once, by the copy that was told first', () => {
  const other = { ...noTotals, rowsRead: 1, rowsFiltered: 1 }
  const copies = [
    { event: completed({ at: later }), offset: '1' },
    { event: completed({ totals: other, at: later }), offset: '2' },
    { event: completed({ totals: other }), offset: '3' },
    { event: completed({ worker: 'worker-2', at: later }), offset: '4' },
  ]
  expect(versionsOf('id', copies).map(({ copy }) => copy.offset)).toEqual(['1', '3'])
})
