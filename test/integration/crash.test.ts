import { expect, test } from 'vitest'
import { cellsOf } from '../chaos/cells.ts'
import { runCells } from '../chaos/run-cells.ts'
import { ownBenchStack } from '../support/bench-stack.ts'

// One of each kind; all of them: npm run crash.
const chosen = [
  'kill/R6/1',
  'kill/W5/9',
  'gone/W6',
  'freeze/W4',
  'lapse/same',
  'cut/postgres/W4',
  'stall/kafka/W4',
  'cutAtCommit/postgres/9',
  'restart/postgres/immediate/W4',
]

test('whatever dies, freezes or is cut off, every invariant holds when all is quiet', async () => {
  const stack = await ownBenchStack('crash-test')
  const cells = cellsOf(chosen)
  expect(cells).toHaveLength(chosen.length)
  const results = await runCells(stack, cells, 1, 2, () => {})
  expect(results.filter(({ violations }) => violations.length > 0)).toEqual([])
  expect(results).toHaveLength(chosen.length)
}, 400_000)
