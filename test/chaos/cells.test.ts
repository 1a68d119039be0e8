import { expect, test } from 'vitest'
import { type MarkName, markNames } from '../../src/process/marks.ts'
import { cells, cellsOf } from './cells.ts'

const marks = Object.keys(markNames) as MarkName[]
const harmedAt = (act: 'kill' | 'freeze'): ReadonlySet<string> =>
  new Set(cells.flatMap(({ harm }) => (harm?.act === act ? [harm.mark] : [])))

test('at every mark a process is killed in one cell and frozen in another', () => {
  // The client that passes R0 is over before anything could miss it.
  const frozen = marks.filter((mark) => mark !== 'R0')
  expect(marks.filter((mark) => !harmedAt('kill').has(mark))).toEqual([])
  expect(frozen.filter((mark) => !harmedAt('freeze').has(mark))).toEqual([])
})

test('no two cells have the same id', () => {
  expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length)
})

test('cells are chosen by their whole id, or by what it begins with', () => {
  expect(cellsOf(['kill/W1/3']).map(({ id }) => id)).toEqual(['kill/W1/3'])
  expect(cellsOf(['kill/W1']).map(({ id }) => id)).toEqual(['kill/W1/1', 'kill/W1/3'])
  expect(cellsOf(['freeze/W', 'ki'])).toEqual([])
  expect(cellsOf([])).toBe(cells)
})
