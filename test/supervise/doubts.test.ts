import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { noTotals, type Totals } from '../../src/contract/certificate.ts'
import { doubtOf, type Recorded } from '../../src/supervise/doubts.ts'

type Row = NonNullable<Parameters<typeof doubtOf>[0]>

const totals = (rows: number, contentHash = '7'): Totals => ({
  ...noTotals,
  ...{ rowsRead: rows, rowsWritten: rows, contentHash },
})
const row = (state: Row['state'], epoch = 1, sequence = 3, of = totals(10)): Row => ({
  ...{ state, epoch, sequence, totals: of },
})
const told = (state: Recorded['state'], epoch = 1, sequence = 3, of = totals(10)): Recorded => ({
  ...{ state, epoch, sequence, totals: of },
})

it.each([
  ['nothing is there', undefined, undefined],
  ['the ledger knows nothing yet', row('running'), undefined],
  ['the ledger is behind', row('running', 2, 9), told('running', 1, 3)],
  ['the ledger has not heard of the end', row('completed'), told('running', 1, 2)],
  ['it failed once, and was tried again', row('running', 2, 3), told('failed')],
  ['both are completed', row('completed'), told('completed')],
  ['it was cancelled in the sink, and told later', row('cancelled'), told('running')],
])('nothing is wrong when %s', (_, checkpoint, recorded) => {
  expect(doubtOf(checkpoint, recorded, undefined)).toBeNull()
})

it.each([
  ['ledgerAhead', 'a later chunk is told', row('running', 1, 3), told('running', 1, 4)],
  ['ledgerAhead', 'a later hold is told', row('running', 1, 3), told('running', 2, 3)],
  ['ledgerAhead', 'it is told to be completed, at a later place', row('running', 1, 3), told('completed', 1, 4)],
  ['ledgerAhead', 'it is told to be completed, and claimed again', row('running', 2, 1), told('completed')],
  ['ledgerAhead', 'it is told to have failed', row('running'), told('failed')],
  ['phantomCompletion', 'it has two ends', row('completed', 1, 4), told('cancelled')],
  ['hashDiffers', 'the content is another', row('completed'), told('completed', 1, 3, totals(10, '8'))],
  ['hashDiffers', 'the counts are others', row('running'), told('running', 1, 3, totals(11))],
  ['checkpointMissing', 'there is no row', undefined, told('running')],
])('%s when %s', (kind, _, checkpoint, recorded) => {
  expect(doubtOf(checkpoint, recorded, undefined)?.kind).toBe(kind)
})

it('names both places, and what differs', () => {
  expect(doubtOf(row('running', 1, 2), told('completed', 1, 3), undefined)?.message).toBe(
    'the ledger has it completed at epoch 1, 3 chunks, its checkpoint row is running at epoch 1, 2 chunks',
  )
  expect(doubtOf(row('running'), told('running', 1, 3, totals(11)), undefined)?.message).toBe(
    'at 1/3 ledger and checkpoint row differ in rowsRead (11 and 10), rowsWritten (11 and 10)',
  )
})

it('a row whose chunks do not lead to its end is doubted, whatever the ledger says', () => {
  expect(doubtOf(row('completed'), told('completed'), 'its last chunk was not committed')).toEqual({
    kind: 'phantomCompletion',
    message: 'its checkpoint row is completed at epoch 1, 3 chunks, and its last chunk was not committed',
  })
})

/** A partition's life: claims and chunks one after the other, perhaps an end; of each step the fact that is told. */
const lives = fc
  .record({
    steps: fc.array(fc.constantFrom('claim', 'chunk'), { maxLength: 12 }),
    end: fc.constantFrom('completed', 'failed', 'cancelled', null),
  })
  .map(({ steps, end }) => {
    const facts: Row[] = []
    let now = row('running', 1, 0, totals(0))
    facts.push(now)
    for (const step of steps) {
      now =
        step === 'claim'
          ? { ...now, epoch: now.epoch + 1 }
          : { ...now, sequence: now.sequence + 1, totals: totals(now.totals.rowsRead + 5, String(now.sequence)) }
      facts.push(now)
    }
    if (end === 'completed')
      facts.push({ ...now, state: end, sequence: now.sequence + 1, totals: totals(now.totals.rowsRead + 1) })
    else if (end !== null) facts.push({ ...now, state: end })
    return facts
  })

test.prop([lives, fc.nat(), fc.nat()])('a ledger that is late, and tells what was, is never doubted', (facts, a, b) => {
  const [early, late] = [a % facts.length, b % facts.length].sort((x, y) => x - y) as [number, number]
  expect(doubtOf(facts[late], facts[early] as Recorded, undefined)).toBeNull()
})

test.prop([lives, fc.nat(), fc.nat()])('a ledger that knows more than the row is always doubted', (facts, a, b) => {
  const [early, late] = [a % facts.length, b % facts.length].sort((x, y) => x - y) as [number, number]
  fc.pre(early < late && facts[late]?.state !== facts[early]?.state ? facts[late]?.state !== 'cancelled' : early < late)
  expect(doubtOf(facts[early], facts[late] as Recorded, undefined)?.kind).toBe('ledgerAhead')
})
