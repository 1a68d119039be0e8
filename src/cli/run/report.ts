import type { Totals } from '../../contract/certificate.ts'
import type { RunState } from '../../contract/states.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { PhasesMs } from './phases.ts'
import type { Usage } from './role-processes.ts'

/** What is known about a run when it has ended, each part from the place that is the authority for it. */
export interface ReportInput {
  readonly runId: string
  readonly backfill: string
  readonly state: RunState
  readonly partitions: number
  readonly partitionsFailed: number
  /** Sums of the checkpoint rows of the sink. */
  readonly totals: Totals
  /** What the sink's server counted and hashed itself; null when the sink cannot tell. */
  readonly stored: { readonly rows: number; readonly contentHash: string } | null
  /** Committed rows that were there when this process came; 0 for a run it began. */
  readonly rowsReadBefore: number
  readonly takeovers: number
  readonly largestChunkRows: number
  readonly workers: number
  readonly slotsPerWorker: number
  readonly usage: Usage
  readonly phasesMs: PhasesMs
  readonly totalMs: number
}

export interface Report {
  readonly runId: string
  readonly backfill: string
  readonly state: RunState
  readonly workers: number
  readonly partitions: number
  readonly partitionsFailed: number
  readonly chunks: number
  /** Durable cursors written: one with each chunk, in its transaction. */
  readonly checkpoints: number
  readonly rowsRead: number
  readonly rowsWritten: number
  readonly rowsFiltered: number
  readonly rowsRejected: number
  /** Null when the sink cannot tell. */
  readonly rowsStored: number | null
  /** Rows that worker processes took from the source, less the rows whose outcome was committed. */
  readonly rowsReadAgain: number
  /** At most this many may be read again: each kill costs one chunk of each task its worker ran. */
  readonly rowsReadAgainLimit: {
    readonly kills: number
    readonly slotsPerWorker: number
    readonly largestChunkRows: number
    readonly rows: number
  }
  /** Rows that all worker processes took from the source, dead ones as far as they told. */
  readonly rowsReadByProcesses: number
  readonly kills: number
  readonly restarts: number
  /** Claims that took a partition over from an earlier holder. */
  readonly takeovers: number
  readonly contentHashSent: string
  readonly contentHashStored: string | null
  readonly phasesMs: PhasesMs
  readonly totalMs: number
  /** Rows read a second, over the working phase. */
  readonly ratePerSecond: number
  readonly peakWorkerRssMb: number
}

export function buildReport(input: ReportInput): Report {
  const { totals, stored, usage, phasesMs } = input
  const committed = totals.rowsRead - input.rowsReadBefore
  const limit = usage.kills * input.slotsPerWorker * input.largestChunkRows
  return {
    runId: input.runId,
    backfill: input.backfill,
    state: input.state,
    workers: input.workers,
    partitions: input.partitions,
    partitionsFailed: input.partitionsFailed,
    chunks: totals.chunks,
    checkpoints: totals.chunks,
    rowsRead: totals.rowsRead,
    rowsWritten: totals.rowsWritten,
    rowsFiltered: totals.rowsFiltered,
    rowsRejected: totals.rowsRejected,
    rowsStored: stored?.rows ?? null,
    // A killed process takes up to half a second of its count with it: never below nothing.
    rowsReadAgain: Math.max(0, usage.rowsRead - committed),
    rowsReadAgainLimit: {
      kills: usage.kills,
      slotsPerWorker: input.slotsPerWorker,
      largestChunkRows: input.largestChunkRows,
      rows: limit,
    },
    rowsReadByProcesses: usage.rowsRead,
    kills: usage.kills,
    restarts: usage.restarts,
    takeovers: input.takeovers,
    contentHashSent: totals.contentHash,
    contentHashStored: stored?.contentHash ?? null,
    phasesMs,
    totalMs: input.totalMs,
    ratePerSecond: phasesMs.workMs === 0 ? 0 : Math.round((Math.max(0, committed) * 1_000) / phasesMs.workMs),
    peakWorkerRssMb: usage.peakWorkerRssMb,
  }
}

/** Everything about the report that a run must not end with; none when what was sent is what stands in the sink. */
export function differences(report: Report): string[] {
  const found: string[] = []
  if (report.rowsStored !== null && report.rowsStored !== report.rowsWritten)
    found.push(`${report.rowsWritten} rows were written, ${report.rowsStored} stand in the sink`)
  if (report.contentHashStored !== null && report.contentHashStored !== report.contentHashSent)
    found.push(`content hash ${report.contentHashSent} was sent, ${report.contentHashStored} stands in the sink`)
  return found
}

export function exitCodeOfReport(report: Report): ExitCode {
  if (report.state === 'cancelled') return exitCodes.cancelled
  if (report.state !== 'completed' || report.partitionsFailed > 0) return exitCodes.partitionsFailed
  return differences(report).length > 0 ? exitCodes.checkFailed : exitCodes.done
}
