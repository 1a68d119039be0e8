import { expect, test } from 'vitest'
import { failuresAfter, restartDelayMs } from '../../../src/cli/run/restart-delay.ts'

test('waits longer after each failure in a row, never longer than 10 s', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 20].map(restartDelayMs)).toEqual([
    0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
  ])
})

test('a process that lived for half a minute begins anew', () => {
  expect(failuresAfter(5, 1_000)).toBe(6)
  expect(failuresAfter(5, 30_000)).toBe(1)
})
