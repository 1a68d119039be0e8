import { isTerminalRun } from '../../contract/states.ts'
import type { RunProgress, WorkerProgress } from '../../status/fold-run.ts'

const grouped = new Intl.NumberFormat('en-US')

export const countText = (count: number): string => grouped.format(count)

export const rateText = (rate: number | null): string => (rate === null ? '–' : `${countText(rate)} rows/s`)

/** 850ms, 12.3s, 4m 05s, 2h 07m: as long as it matters to a person who waits. */
export function durationText(durationMs: number | null): string {
  if (durationMs === null) return '–'
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`
  if (durationMs < 60_000) return `${(durationMs / 1_000).toFixed(1)}s`
  const seconds = Math.round(durationMs / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  const two = (part: number): string => String(part).padStart(2, '0')
  return hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(seconds % 60)}s`
}

/** The run in one line, for where no bar can be drawn. */
export function runLine(run: RunProgress, rate: number | null, leftMs: number | null): string {
  if (run.state === 'planning' || run.state === 'queued') return run.state
  const of = run.estimatedRows === null ? '' : ` of ${countText(run.estimatedRows)}`
  const failed = run.partitionsFailed === 0 ? '' : `, ${countText(run.partitionsFailed)} failed`
  return [
    `${countText(run.totals.rowsRead)}${of} rows`,
    `${countText(run.partitionsCompleted)}/${run.partitions === null ? '?' : countText(run.partitions)} partitions${failed}`,
    ...paceTexts(run, rate, leftMs),
  ].join(', ')
}

/** What stands beside the bar of the run. */
export function runText(run: RunProgress, rate: number | null, leftMs: number | null): string {
  if (run.state === 'planning' || run.state === 'queued') return run.state
  return [`${run.partitionsCompleted}/${run.partitions ?? '?'} partitions`, ...paceTexts(run, rate, leftMs)].join(', ')
}

/** How fast and how long still; a run that has ended, or that nobody works on, has neither. */
function paceTexts(run: RunProgress, rate: number | null, leftMs: number | null): string[] {
  const stands = isTerminalRun(run.state) || run.state === 'paused' || run.state === 'cancelling'
  return stands ? [run.state] : [rateText(rate), `${durationText(leftMs)} left`]
}

/** What stands beside the bar of a worker. */
export function workerText(worker: WorkerProgress, rate: number | null): string {
  const partitions = worker.partitionsRunning === 1 ? 'partition' : 'partitions'
  return `${countText(worker.rowsRead)} rows, ${rateText(rate)}, on ${worker.partitionsRunning} ${partitions}`
}
