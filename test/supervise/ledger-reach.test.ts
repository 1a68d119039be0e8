import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { type LedgerPlace, type LedgerReach, ledgerReach } from '../../src/supervise/ledger-reach.ts'

const place = (read: number, end: number): LedgerPlace => ({
  ...{ behind: Math.max(0, end - read), read: new Map([[0, BigInt(read)]]), ends: new Map([[0, BigInt(end)]]) },
})

it('a ledger that has read everything knows all up to now', () => {
  expect(ledgerReach(undefined, place(7, 7), 100).recordedThroughMs).toBe(100)
})

it('a topic without records, or whose records are gone, holds up nothing', () => {
  expect(ledgerReach(undefined, { behind: 0, read: new Map(), ends: new Map() }, 5).recordedThroughMs).toBe(5)
  expect(ledgerReach(undefined, place(9, 9), 5).recordedThroughMs).toBe(5)
})

it('while events keep coming, it knows all up to when it had read what was there', () => {
  const first = ledgerReach(undefined, place(0, 5), 100)
  expect(first.recordedThroughMs).toBe(Number.NEGATIVE_INFINITY)
  const second = ledgerReach(first, place(4, 9), 200)
  expect(second.recordedThroughMs).toBe(Number.NEGATIVE_INFINITY)
  const third = ledgerReach(second, place(6, 12), 300)
  expect(third.recordedThroughMs).toBe(100)
  expect(ledgerReach(third, place(12, 15), 400).recordedThroughMs).toBe(300)
})

/** At each moment some events are told, and some recorded. */
const histories = fc.array(fc.record({ told: fc.nat({ max: 4 }), recorded: fc.nat({ max: 5 }) }), { maxLength: 40 })

test.prop([histories])('it never claims to know an event that is not recorded', (history) => {
  let [end, read, reach] = [0, 0, undefined as LedgerReach | undefined]
  const toldAt: number[] = []
  for (const [at, { told, recorded }] of history.entries()) {
    for (let n = 0; n < told; n += 1) toldAt.push(at * 10)
    end += told
    read = Math.min(end, read + recorded)
    // The ends were asked for, then the place of the ledger; the clock was read before both, after what was told.
    reach = ledgerReach(reach, place(read, end), at * 10 + 1)
    const through = reach.recordedThroughMs
    expect(toldAt.slice(read).every((atMs) => atMs > through)).toBe(true)
  }
})
