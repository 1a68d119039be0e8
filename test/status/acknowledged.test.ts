import { expect, test } from 'vitest'
import { type Acknowledged, obedienceOf } from '../../src/status/acknowledged.ts'

const intent = { sequence: 4, at: '2026-11-23T12:00:00.000Z' }
const told = (worker: string, sequence: number, afterMs: number, atStart = false): Acknowledged => ({
  ...{ worker, sequence, atStart, at: new Date(Date.parse(intent.at) + afterMs).toISOString() },
})

test('all of the group, in the time of the last', () => {
  const found = obedienceOf(['a', 'b'], [told('a', 4, 700), told('b', 4, 1_800)], intent)
  expect(found).toEqual({ by: 2, of: 2, missing: [], tookMs: 1_800 })
})

test('an earlier intent is not this one, and who left the group is not asked', () => {
  const found = obedienceOf(['a', 'b', 'c'], [told('a', 4, 10), told('b', 3, 5), told('gone', 4, 9_000)], intent)
  expect(found).toEqual({ by: 1, of: 3, missing: ['b', 'c'], tookMs: 10 })
})

test('who found the intent when it started obeys it, and says nothing about the time', () => {
  expect(obedienceOf(['a', 'b'], [told('a', 4, 20), told('b', 4, 600_000, true)], intent)).toEqual({
    ...{ by: 2, of: 2, missing: [], tookMs: 20 },
  })
  expect(obedienceOf(['b'], [told('b', 4, 600_000, true)], intent).tookMs).toBeNull()
})

test('a later intent that is obeyed says all that this one would', () => {
  expect(obedienceOf(['a'], [told('a', 5, 20)], intent)).toEqual({ by: 1, of: 1, missing: [], tookMs: null })
})

test('an empty group obeys', () => {
  expect(obedienceOf([], [], intent)).toEqual({ by: 0, of: 0, missing: [], tookMs: null })
})
