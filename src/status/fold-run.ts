import { addTotals, noTotals, type Totals } from '../contract/certificate.ts'
import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { PartitionState, RunState } from '../contract/states.ts'
import { type PartitionEvent, partitionEventRank, type RunEnd, type StatusEvent } from '../contract/status.ts'

/** Where a run stands, as far as its status events tell. */
export interface RunProgress {
  readonly runId: RunId
  readonly state: RunState
  /** Null until the plan is known. */
  readonly partitions: number | null
  /** Rows in the pinned domain, when the source knows. */
  readonly estimatedRows: number | null
  readonly partitionsRunning: number
  readonly partitionsCompleted: number
  readonly partitionsFailed: number
  readonly partitionsCancelled: number
  readonly totals: Totals
  /** Claims that took a partition over from an earlier holder: each reads at most one chunk again. */
  readonly takeovers: number
  /** Rows of the largest chunk seen so far. */
  readonly largestChunkRows: number
  readonly workers: readonly WorkerProgress[]
  /** The run has ended, and so has, as far as was told, each of its partitions: no event of it is still to come. */
  readonly toldCompletely: boolean
  /** Why it failed before anything of it was worked on; null: it did not. */
  readonly reason: string | null
  /** Partitions that failed for good, with their reasons. */
  readonly failures: readonly { readonly index: number; readonly message: string }[]
}

export interface WorkerProgress {
  readonly worker: WorkerId
  /** Partitions it holds now. */
  readonly partitionsRunning: number
  /** Rows it took from the source and committed the outcome of. */
  readonly rowsRead: number
}

export interface RunFold {
  /** Takes an event in; one of another run, told before or overtaken by a later one changes nothing. */
  apply(event: StatusEvent): void
  progress(): RunProgress
}

const stateAfter = {
  'partition.claimed': 'running',
  'partition.progressed': 'running',
  'partition.completed': 'completed',
  'partition.failed': 'failed',
  'partition.cancelled': 'cancelled',
} as const satisfies Record<PartitionEvent['type'], PartitionState>

const stateIntended = {
  'run.paused': 'paused',
  'run.resumed': 'running',
  'run.cancelling': 'cancelling',
} as const satisfies Record<string, RunState>

interface Known {
  readonly epoch: number
  readonly sequence: number
  readonly rank: number
  readonly state: (typeof stateAfter)[PartitionEvent['type']]
  readonly worker: WorkerId
  readonly totals: Totals
}

/** Folds the status events of one run, in any order and any number of times, into its progress. No clock, no I/O. */
export function createRunFold(runId: RunId): RunFold {
  const known = new Map<PartitionId, Known>()
  const rowsOf = new Map<WorkerId, number>()
  const holds = new Map<WorkerId, number>()
  const failures = new Map<PartitionId, { index: number; message: string }>()
  let ended: RunEnd | undefined
  /** The newest intent of the run as a whole. */
  let intended: { readonly sequence: number; readonly state: RunState } | undefined
  let isQueued = false
  let planned: Extract<StatusEvent, { type: 'run.planned' }> | undefined
  let largestChunkRows = 0
  // Kept as they change: a run may have a million partitions, and progress is asked for several times a second.
  const counts = { running: 0, completed: 0, failed: 0, cancelled: 0 }
  let takeovers = 0
  let totals = noTotals

  const count = (state: Known['state'], worker: WorkerId, by: 1 | -1): void => {
    counts[state] += by
    if (state === 'running') holds.set(worker, (holds.get(worker) ?? 0) + by)
  }

  const applyPartition = (event: PartitionEvent): void => {
    const before = known.get(event.partitionId)
    const rank = partitionEventRank[event.type]
    if (before !== undefined && compare(before, event.epoch, event.sequence, rank) >= 0) return
    const state = stateAfter[event.type]
    const was = before?.totals ?? noTotals
    const rows = event.totals.rowsRead - was.rowsRead
    if (event.sequence - (before?.sequence ?? 0) === 1) largestChunkRows = Math.max(largestChunkRows, rows)
    takeovers += Math.max(0, event.epoch - Math.max(1, before?.epoch ?? 1))
    if (before !== undefined) count(before.state, before.worker, -1)
    count(state, event.worker, 1)
    // Nobody ever held a partition of epoch 0: it was cancelled before.
    if (event.epoch > 0) rowsOf.set(event.worker, (rowsOf.get(event.worker) ?? 0) + rows)
    totals = addTotals(totals, added(was, event.totals))
    if (event.type === 'partition.failed')
      failures.set(event.partitionId, { index: event.index, message: event.message })
    else failures.delete(event.partitionId)
    known.set(event.partitionId, {
      epoch: event.epoch,
      sequence: event.sequence,
      rank,
      state,
      worker: event.worker,
      totals: event.totals,
    })
  }

  const unendedState = (): RunState => {
    if (intended !== undefined && intended.state !== 'running') return intended.state
    if (planned !== undefined || known.size > 0) return 'running'
    return isQueued ? 'queued' : 'planning'
  }
  /** Partitions of a plan that was cancelled while it was being made have no events. */
  const isToldCompletely = (): boolean => ended !== undefined && (ended.reason !== undefined || isEachTold(ended))
  const isEachTold = (ended: RunEnd): boolean =>
    counts.completed >= ended.partitions - ended.partitionsFailed - ended.partitionsCancelled &&
    counts.failed >= ended.partitionsFailed &&
    (ended.state === 'cancelled' && planned === undefined ? true : counts.cancelled >= ended.partitionsCancelled)

  return {
    apply(event) {
      if (!('runId' in event) || event.runId !== runId) return
      switch (event.type) {
        case 'run.queued':
          isQueued = true
          return
        case 'run.planned':
          planned = event
          return
        case 'run.completed':
        case 'run.failed':
        case 'run.cancelled':
          ended = event
          return
        case 'partition.claimed':
        case 'partition.progressed':
        case 'partition.completed':
        case 'partition.failed':
        case 'partition.cancelled':
          applyPartition(event)
          return
        case 'run.paused':
        case 'run.resumed':
        case 'run.cancelling':
          if (event.sequence > (intended?.sequence ?? 0))
            intended = { sequence: event.sequence, state: stateIntended[event.type] }
          return
        case 'partition.republished':
        case 'partition.paused':
        case 'partition.resumed':
        case 'partition.cancelling':
        case 'intent.acknowledged':
        case 'run.tuned':
        case 'run.archived':
        case 'request.accepted':
        case 'request.duplicate':
          return
      }
    },
    progress() {
      return {
        runId,
        state: ended?.state ?? unendedState(),
        partitions: planned?.partitions ?? ended?.partitions ?? null,
        estimatedRows: planned?.estimatedRows ?? null,
        // The end of a run may be read before the last events of its partitions: it tells all of them.
        partitionsRunning: ended === undefined ? counts.running : 0,
        partitionsCompleted:
          ended === undefined
            ? counts.completed
            : ended.partitions - ended.partitionsFailed - ended.partitionsCancelled,
        partitionsFailed: ended?.partitionsFailed ?? counts.failed,
        partitionsCancelled: ended?.partitionsCancelled ?? counts.cancelled,
        totals: ended?.totals ?? totals,
        takeovers,
        largestChunkRows,
        workers: [...rowsOf]
          .map(([worker, rowsRead]) => ({ worker, rowsRead, partitionsRunning: holds.get(worker) ?? 0 }))
          .sort((a, b) => a.worker.localeCompare(b.worker)),
        toldCompletely: isToldCompletely(),
        reason: ended?.reason ?? null,
        failures: [...failures.values()].sort((a, b) => a.index - b.index),
      }
    },
  }
}

function compare(known: Known, epoch: number, sequence: number, rank: number): number {
  return known.epoch - epoch || known.sequence - sequence || known.rank - rank
}

/** What `after` adds to `before`. */
function added(before: Totals, after: Totals): Totals {
  return {
    rowsRead: after.rowsRead - before.rowsRead,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    rowsFiltered: after.rowsFiltered - before.rowsFiltered,
    rowsRejected: after.rowsRejected - before.rowsRejected,
    chunks: after.chunks - before.chunks,
    contentHash: (BigInt(after.contentHash) - BigInt(before.contentHash)).toString(),
  }
}
