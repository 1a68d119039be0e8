import type { Totals } from '../../contract/certificate.ts'
import type { BackfillId, RequestKey, RunId, Sha256 } from '../../contract/ids.ts'
import type { KeyRange } from '../../contract/range.ts'
import type { RunEnd, RunEvent } from '../../contract/status.ts'
import { compareText, compareTold, type Told } from '../placed-event.ts'

/** What was told of a run as a whole: its plan, and its end. */
export interface RunRecord {
  readonly runId: RunId
  readonly backfill: BackfillId
  readonly planned:
    | ({
        readonly requestKey: RequestKey
        readonly definitionHash: Sha256
        readonly planHash: Sha256
        readonly partitions: number
        readonly range: KeyRange
        readonly estimatedRows: number | null
      } & Told)
    | null
  readonly ended:
    | ({
        readonly state: 'completed' | 'failed' | 'cancelled'
        readonly partitionsFailed: number
        readonly partitionsCancelled: number
        readonly totals: Totals
      } & Told)
    | null
}

const endState = {
  'run.completed': 'completed',
  'run.failed': 'failed',
  'run.cancelled': 'cancelled',
} as const satisfies Record<RunEnd['type'], string>

export function runRecord(event: RunEvent, offset: string): RunRecord {
  const { runId, backfill, at } = event
  if (event.type === 'run.planned') {
    const { requestKey, definitionHash, planHash, partitions, range, estimatedRows } = event
    return {
      runId,
      backfill,
      planned: { requestKey, definitionHash, planHash, partitions, range, estimatedRows, at, offset },
      ended: null,
    }
  }
  const { partitionsFailed, partitionsCancelled, totals } = event
  const state = endState[event.type]
  return { runId, backfill, planned: null, ended: { state, partitionsFailed, partitionsCancelled, totals, at, offset } }
}

export function mergedRun(a: RunRecord | undefined, b: RunRecord): RunRecord {
  if (a === undefined) return b
  return { ...a, planned: firstTold(a.planned, b.planned), ended: earlierEnd(a.ended, b.ended) }
}

export const firstTold = <Fact extends Told>(a: Fact | null, b: Fact | null): Fact | null =>
  a === null || (b !== null && compareTold(b, a) < 0) ? b : a

/** A run ends once; should two ends ever be told, failure is the one a person must see (and the last by name). */
function earlierEnd(a: RunRecord['ended'], b: RunRecord['ended']): RunRecord['ended'] {
  if (a === null || b === null || a.state === b.state) return firstTold(a, b)
  return compareText(a.state, b.state) > 0 ? a : b
}
