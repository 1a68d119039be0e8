import { expect, test } from 'vitest'
import { cellsOf } from '../chaos/cells.ts'
import { runCells } from '../chaos/run-cells.ts'
import { ownBenchStack } from '../support/bench-stack.ts'

// One of each kind; all of them: npm run crash.
const chosen = [
  'kill/W5/9',
  'freeze/W2',
  'lapse/same',
  'stall/kafka/W4',
  'cutAtCommit/postgres/9',
  'cancel/W2',
  'kill/P1/pause',
  'clock/worker/swing',
  'failover/sink',
]

test('whatever dies, freezes or is cut off, every invariant holds when all is quiet', async () => {
  const stack = await ownBenchStack('crash-test')
  const cells = cellsOf(chosen)
  expect(cells).toHaveLength(chosen.length)
  const results = await runCells(stack, cells, 1, 2, () => {})
  expect(results.filter(({ violations }) => violations.length > 0)).toEqual([])
  expect(results).toHaveLength(chosen.length)
}, 400_000)
