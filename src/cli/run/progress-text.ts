import { isTerminalRun } from '../../contract/states.ts'
import type { RunProgress, WorkerProgress } from '../../status/fold-run.ts'
import { countText, durationText } from '../../status/number-text.ts'

export { countText, durationText }

export const rateText = (rate: number | null): string => (rate === null ? '–' : `${countText(rate)} rows/s`)

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
