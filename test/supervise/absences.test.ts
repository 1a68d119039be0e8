import { expect, test } from 'vitest'
import { type Absence, absencesSince, longAbsent } from '../../src/supervise/absences.ts'

type Look = readonly [atMs: number, present: readonly string[], hadFailed?: boolean]

/** Who is absent for long after these looks. */
function absentAfter(...looks: readonly Look[]): string[] {
  let absences: ReadonlyMap<string, Absence> = new Map()
  for (const [atMs, present, hadFailed = false] of looks)
    absences = absencesSince(absences, new Set(present), hadFailed, atMs)
  return [...longAbsent(absences, looks.at(-1)?.[0] ?? 0)]
}

test('who was there, and is missing for three seconds, is absent', () => {
  expect(absentAfter([0, ['a', 'b']], [500, ['b']], [3_499, ['b']])).toEqual([])
  expect(absentAfter([0, ['a', 'b']], [500, ['b']], [3_500, ['b']])).toEqual(['a'])
})

test('who was never there is not absent, and who comes back is not', () => {
  expect(absentAfter([0, []], [60_000, []])).toEqual([])
  expect(absentAfter([0, ['a', 'b']], [500, ['b']], [1_500, ['a', 'b']], [60_000, ['a', 'b']])).toEqual([])
  expect(absentAfter([0, ['a', 'b']], [500, ['b']], [1_500, ['a', 'b']], [2_000, ['b']], [4_999, ['b']])).toEqual([])
})

test('when all are missing at once the server may have lost sight of them: they have time to come back', () => {
  const gone: readonly Look[] = [
    [0, ['a', 'b']],
    [500, []],
  ]
  expect(absentAfter(...gone, [8_499, []])).toEqual([])
  expect(absentAfter(...gone, [8_500, []])).toEqual(['a', 'b'])
  // One comes back; the other is not hurried for it.
  expect(absentAfter(...gone, [1_000, ['b']], [8_499, ['b']])).toEqual([])
  expect(absentAfter(...gone, [1_000, ['b']], [8_500, ['b']])).toEqual(['a'])
})

test('who is missing first after a look that failed has as long', () => {
  const back: readonly Look[] = [
    [0, ['a', 'b']],
    [5_000, ['b'], true],
  ]
  expect(absentAfter(...back, [12_999, ['b']])).toEqual([])
  expect(absentAfter(...back, [13_000, ['b']])).toEqual(['a'])
})

test('after a minute nobody is looked for any longer, and whoever is back is as new', () => {
  const gone: readonly Look[] = [
    [0, ['a', 'b']],
    [500, ['b']],
  ]
  expect(absentAfter(...gone, [60_499, ['b']])).toEqual(['a'])
  expect(absentAfter(...gone, [60_500, ['b']])).toEqual([])
  expect(absentAfter(...gone, [60_500, ['b']], [90_000, ['b']])).toEqual([])
  expect(absentAfter(...gone, [60_500, ['b']], [61_000, ['a', 'b']], [61_500, ['b']], [64_500, ['b']])).toEqual(['a'])
})
