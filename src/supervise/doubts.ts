import type { Totals } from '../contract/certificate.ts'
import { type Checkpoint, compareCheckpoints } from '../contract/checkpoint.ts'
import { isTerminalPartition } from '../contract/states.ts'

/** How far the ledger says a partition is, as far as it is compared. */
export type Recorded = Pick<Checkpoint, 'epoch' | 'sequence'> & {
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled'
  readonly totals: Totals
}

export interface Doubt {
  readonly kind: 'ledgerAhead' | 'hashDiffers' | 'checkpointMissing' | 'phantomCompletion'
  /** What is there, with the numbers. */
  readonly message: string
}

type Row = Pick<Checkpoint, 'epoch' | 'sequence' | 'state' | 'totals'>

/**
 * What cannot be, of a checkpoint row and what the ledger had recorded of its partition before the row was read: events are
 * told after the commit they speak of, so the ledger is behind its row, or says the same. Null when it is so, and while
 * the ledger is late. `brokenChain`: what contradicts the row in its chunks, where that was looked at.
 */
export function doubtOf(
  row: Row | undefined,
  recorded: Recorded | undefined,
  brokenChain: string | undefined,
): Doubt | null {
  if (row === undefined)
    return recorded === undefined
      ? null
      : {
          kind: 'checkpointMissing',
          message: `the ledger has it ${placeOf(recorded)}, and the sink has no checkpoint row`,
        }
  return (recorded === undefined ? null : contradiction(row, recorded)) ?? brokenDoubt(row, brokenChain)
}

function contradiction(row: Row, recorded: Recorded): Doubt | null {
  const both = `the ledger has it ${placeOf(recorded)}, its checkpoint row is ${placeOf(row)}`
  const ahead = compareCheckpoints(recorded, row)
  if (ahead > 0) return { kind: 'ledgerAhead', message: both }
  const isForGood = recorded.state === 'completed' || recorded.state === 'cancelled'
  const isOver = isTerminalPartition(row.state)
  // Also when it was claimed again since: what is over for good is never claimed again.
  if (!isOver && (isForGood || (ahead === 0 && recorded.state === 'failed')))
    return { kind: 'ledgerAhead', message: both }
  if (isOver && isForGood && recorded.state !== row.state) return { kind: 'phantomCompletion', message: both }
  if (ahead < 0) return null
  const differing = differingTotals(recorded.totals, row.totals)
  if (differing.length === 0) return null
  const where = `at ${row.epoch}/${row.sequence}`
  return { kind: 'hashDiffers', message: `${where} ledger and checkpoint row differ in ${differing.join(', ')}` }
}

const brokenDoubt = (row: Row, brokenChain: string | undefined): Doubt | null =>
  brokenChain === undefined
    ? null
    : { kind: 'phantomCompletion', message: `its checkpoint row is ${placeOf(row)}, and ${brokenChain}` }

const placeOf = ({ epoch, sequence, state }: Pick<Row, 'epoch' | 'sequence' | 'state'>): string =>
  `${state} at epoch ${epoch}, ${sequence} chunks`

const differingTotals = (ledger: Totals, row: Totals): string[] =>
  (Object.keys(row) as (keyof Totals)[])
    .filter((name) => ledger[name] !== row[name])
    .map((name) => `${name} (${ledger[name]} and ${row[name]})`)
