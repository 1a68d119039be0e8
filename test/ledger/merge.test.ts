import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import type { StatusEvent } from '../../src/contract/status.ts'
import { type LedgerState, mergeEvents } from '../../src/ledger/merge.ts'
import { claimed, completed, failed, progressed } from '../support/partition-events.ts'
import { toldInAnyOrder } from '../support/status-events.ts'

/** In which order copies came in is all that their list says. */
const said = ({ copies, ...state }: LedgerState): unknown => ({ ...state, copied: new Set(copies.keys()) })

const merged = (...events: readonly StatusEvent[]): LedgerState =>
  mergeEvents(events.map((event, at) => ({ event, offset: String(at) })))

describe('merging', () => {
  test.prop([toldInAnyOrder], { numRuns: 500 })(
    'gives the same for any order and any repetition',
    ({ once, again }) => {
      expect(said(mergeEvents(again))).toEqual(said(mergeEvents(once)))
    },
  )

  test.prop([toldInAnyOrder, fc.nat()])('does not depend on where it begins', ({ once }, at) => {
    const cut = at % (once.length + 1)
    const halves = mergeEvents([...once.slice(cut), ...once.slice(0, cut)])
    expect(said(halves)).toEqual(said(mergeEvents(once)))
  })
})

test('a late event of an earlier hold changes nothing but the first time', () => {
  const late = progressed({ epoch: 1, sequence: 7, at: '2026-11-23T12:00:00.000000Z' })
  const { partitions } = merged(completed({ epoch: 2, sequence: 5, at: '2026-11-23T12:00:01.000000Z' }), late)
  const [record] = partitions.values()
  expect(record).toMatchObject({ epoch: 2, sequence: 5, state: 'completed', firstEventAt: late.at })
})

test('a new claim of a partition that was said to be completed shows it running again', () => {
  const [record] = merged(completed({ epoch: 1, sequence: 5 }), claimed({ epoch: 2, sequence: 5 })).partitions.values()
  expect(record?.state).toBe('running')
})

test('a completion tells more than the progress of the same chunk', () => {
  const [record] = merged(
    completed({ epoch: 1, sequence: 5 }),
    progressed({ epoch: 1, sequence: 5 }),
  ).partitions.values()
  expect(record?.state).toBe('completed')
})

test('of copies of one fact the one that was told first is kept, and of those told at once the one that stands first', () => {
  const at = (second: number): string => `2026-11-23T12:00:0${second}.000000Z`
  const copies = [
    { event: failed({ worker: 'worker-1', at: at(2) }), offset: '9' },
    { event: failed({ worker: 'worker-2', at: at(1) }), offset: '20' },
    { event: failed({ worker: 'worker-3', at: at(1) }), offset: '3' },
  ]
  const [record] = mergeEvents(copies).partitions.values()
  expect(record).toMatchObject({ worker: 'worker-3', firstEventAt: at(1), lastEventAt: at(2) })
  expect([...mergeEvents(copies).facts.values()]).toEqual([copies[2]])
})
