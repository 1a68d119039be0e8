import { expect, test } from 'vitest'
import { TerminalError } from '../../src/contract/errors.ts'
import { readEvent } from '../../src/ledger/read-event.ts'
import { completed } from '../support/partition-events.ts'

test.each([
  ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00.000000Z'],
  ['2026-11-23T12:00:00.5Z', '2026-11-23T12:00:00.500000Z'],
  ['2026-11-23T12:00:00.123456789Z', '2026-11-23T12:00:00.123456Z'],
])('time %s is kept as %s', (at, kept) => {
  expect(readEvent({ ...completed(), at }).at).toBe(kept)
})

test('a field that a newer writer added is dropped', () => {
  expect(readEvent({ ...completed(), colour: 'blue' })).toEqual(completed())
})

test.each<unknown>([
  null,
  'text',
  {},
  { ...completed(), type: 'partition.painted' },
  { ...completed(), version: 2 },
  { ...completed(), at: 'noon' },
  { ...completed(), totals: { ...completed().totals, contentHash: '9'.repeat(1_001) } },
])('%j is no event', (json) => {
  expect(() => readEvent(json)).toThrow(TerminalError)
})
