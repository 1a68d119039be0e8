import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { mergeEvents } from '../../src/ledger/merge.ts'
import { claimed, completed, progressed } from '../support/partition-events.ts'
import { toldInAnyOrder } from '../support/status-events.ts'

describe('merging', () => {
  test.prop([toldInAnyOrder], { numRuns: 500 })(
    'gives the same for any order and any repetition',
    ({ once, again }) => {
      expect(mergeEvents(again)).toEqual(mergeEvents(once))
    },
  )

  test.prop([toldInAnyOrder, fc.nat()])('does not depend on how the events come in batches', ({ once }, at) => {
    const cut = at % (once.length + 1)
    const halves = mergeEvents([...once.slice(cut), ...once.slice(0, cut)])
    expect(halves).toEqual(mergeEvents(once))
  })
})

test('a late event of an earlier hold changes nothing but the first time', () => {
  const late = progressed({ epoch: 1, sequence: 7, at: '2026-11-23T12:00:00.000000Z' })
  const [record] = mergeEvents([
    completed({ epoch: 2, sequence: 5, at: '2026-11-23T12:00:01.000000Z' }),
    late,
  ]).partitions.values()
  expect(record).toMatchObject({ epoch: 2, sequence: 5, state: 'completed', firstEventAt: late.at })
})

test('a new claim of a partition that was said to be completed shows it running again', () => {
  const [record] = mergeEvents([
    completed({ epoch: 1, sequence: 5 }),
    claimed({ epoch: 2, sequence: 5 }),
  ]).partitions.values()
  expect(record?.state).toBe('running')
})

test('a completion tells more than the progress of the same chunk', () => {
  const [record] = mergeEvents([
    completed({ epoch: 1, sequence: 5 }),
    progressed({ epoch: 1, sequence: 5 }),
  ]).partitions.values()
  expect(record?.state).toBe('completed')
})
