import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import type { TaskMessage } from '../../src/contract/task.ts'
import { partitionIdOf } from '../../src/plan/partition-id.ts'
import { readTask } from '../../src/work/read-task.ts'

const runId = '019aa000-0000-7000-8000-000000000001'
const at = (index: number, from: bigint, to: bigint): TaskMessage => ({
  ...{ version: 1, runId, index, backfill: 'orders-v2', definitionHash: 'a'.repeat(64), params: {}, locator: null },
  partitionId: partitionIdOf(runId, { index, from: String(from), to: String(to) }),
  range: { kind: 'integer', from: String(from), to: String(to) },
  ...{ reason: 'planned', publishedAt: '2026-11-24T12:00:00.000Z' },
})
const key = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const place = fc.record({ index: fc.nat(), from: key, to: key })

test.prop([place])('what the planner published is a task', ({ index, from, to }) => {
  expect(readTask(at(index, from, to))).toEqual(at(index, from, to))
})

test.prop([place, place])('the id of one place with the bounds of another is none', (one, other) => {
  fc.pre(one.index !== other.index || one.from !== other.from || one.to !== other.to)
  const { partitionId } = at(one.index, one.from, one.to)
  const forged = { ...at(other.index, other.from, other.to), partitionId }
  expect(() => readTask(forged)).toThrow(expect.objectContaining({ code: 'MESSAGE_INVALID' }))
})

test('anything else is none', () => {
  expect(() => readTask({ version: 1 })).toThrow(expect.objectContaining({ code: 'MESSAGE_INVALID' }))
})
