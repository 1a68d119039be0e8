import { expect, test } from 'vitest'
import { readKey } from './commit-times.ts'
import type { AuditFact } from './facts.ts'
import { percentile, recoveries } from './recovery.ts'

const change = (given: Partial<AuditFact>): AuditFact => ({
  ...{ what: 'UPDATE', partitionId: 'a', epoch: 1, sequence: 0, cursor: null, state: 'running' },
  ...{ holder: 'worker-1', atMs: 0 },
  ...given,
})

const lanes = new Map([
  ['a', 3],
  ['b', 5],
])
const death = { worker: 'worker-1', atMs: 200 }

test('a death is recovered from when the last of the lanes it worked on was claimed again', () => {
  const audit = [change({ atMs: 100 }), change({ partitionId: 'b', atMs: 110 })]
  const commits = new Map([
    [3, [120, 900, 1_900]],
    // The second was on its way.
    [5, [150, 210, 1_700]],
  ])
  expect(recoveries({ audit, lanes, commits }, [death], [])).toEqual([
    { death, ms: 1_500, undisturbedMs: 1_500, amid: [] },
  ])
})

test('what else could be felt between a death and its recovery is told, its own death is not', () => {
  const troubles = [
    { what: 'over', fromMs: 0, toMs: 200 },
    { what: 'long', fromMs: 0, toMs: 950 },
    { what: 'itself', fromMs: 200, toMs: 6_200 },
    { what: 'over by then', fromMs: 300, toMs: 800 },
    { what: 'meanwhile', fromMs: 800, toMs: 5_000 },
    { what: 'after', fromMs: 900, toMs: 5_000 },
  ]
  const facts = { audit: [change({ atMs: 100 })], lanes, commits: new Map([[3, [900]]]) }
  expect(recoveries(facts, [death], troubles)).toEqual([
    { death, ms: 700, undisturbedMs: 100, amid: ['long', 'over by then', 'meanwhile'] },
  ])
})

test('what it had finished, and what others hold, is no matter of its death', () => {
  const audit = [
    change({ atMs: 100 }),
    change({ atMs: 150, state: 'completed' }),
    change({ partitionId: 'b', atMs: 100 }),
    change({ partitionId: 'b', atMs: 120, epoch: 2, holder: 'worker-2' }),
  ]
  expect(recoveries({ audit, lanes, commits: new Map([[3, [900]]]) }, [death], [])).toEqual([])
})

test('the key of an offset is read; that of a group is none', () => {
  const part = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])
  const key = Buffer.concat([Buffer.from([0, 1]), part('a.group'), part('tasks'), Buffer.from([0, 0, 0, 7])])
  expect(readKey(key)).toEqual({ group: 'a.group', topic: 'tasks', partition: 7 })
  expect(readKey(Buffer.concat([Buffer.from([0, 2]), part('a.group')]))).toBeUndefined()
})

test('percentiles are values that were there', () => {
  expect(percentile([], 0.5)).toBe(0)
  expect(percentile([3, 1, 2], 0.5)).toBe(2)
  expect(percentile([3, 1, 2], 1)).toBe(3)
})
