import Table from 'cli-table3'
import type { PlanReport } from '../contract/plan-report.ts'
import { linesOf, plain } from './plain-table.ts'
import { countText, durationText } from './run/progress-text.ts'

const barWidth = 40

/** A plan for a person: what, how much, how long, and what stands in the way. */
export function planText(report: PlanReport): string {
  const { rows, forecast, selection } = report
  const facts: [string, string][] = [
    ['backfill', `${report.backfill} into ${report.target}`],
    ['rows', report.rule],
    ...(report.why === null ? [] : [['cut along', report.why] as [string, string]]),
    ['partitions', partitionsText(report)],
    ...(selection === null ? [] : [['reprocess', selectionText(selection)] as [string, string]]),
    ...(forecast === null ? [] : [['time', timeText(forecast)] as [string, string]]),
    ['plan', report.planId],
  ]
  const blocks = [facts.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n')]
  if (rows !== null && rows.total > 0) blocks.push(histogramText(rows))
  if (report.listed.length > 0) blocks.push(partitionTable(report))
  if (selection !== null && selection.leftOut.length > 0) blocks.push(leftOutTable(selection))
  for (const warning of report.warnings) blocks.push(`warning: ${warning}`)
  for (const conflict of report.conflicts) blocks.push(`would wait now: ${conflict}`)
  return blocks.join('\n\n')
}

function partitionsText({ partitions, rows }: PlanReport): string {
  if (rows === null) return `${countText(partitions)}; the source cannot tell their rows`
  const { total, smallest, median, largest, skew } = rows
  return `${countText(partitions)} with about ${countText(total)} rows: ${countText(smallest)} to ${countText(largest)} each, median ${countText(median)}, the largest ${skew} times the mean`
}

function timeText({
  workers,
  slots,
  p10Ms,
  p50Ms,
  p90Ms,
  rowsPerSecond,
  probedRows,
  probedChunks,
}: NonNullable<PlanReport['forecast']>): string {
  const who = `${workers} ${workers === 1 ? 'worker' : 'workers'} with ${slots} slots`
  return `about ${durationText(p50Ms)}, most likely ${durationText(p10Ms)} to ${durationText(p90Ms)}, by ${who} at ${countText(rowsPerSecond)} rows/s (${countText(probedRows)} rows in ${probedChunks} chunks were tried)`
}

function histogramText({ histogram }: NonNullable<PlanReport['rows']>): string {
  const most = Math.max(...histogram.map(({ partitions }) => partitions))
  const table = new Table({ ...plain, head: ['rows below', 'partitions', ''], colAligns: ['right', 'right', 'left'] })
  for (const { upTo, partitions } of histogram)
    table.push([countText(upTo), countText(partitions), '#'.repeat(Math.ceil((barWidth * partitions) / most))])
  return linesOf(table)
}

function partitionTable({ listed, partitions }: PlanReport): string {
  const table = new Table({
    ...plain,
    head: ['partition', 'from', 'to', 'rows'],
    colAligns: ['right', 'left', 'left', 'right'],
  })
  for (const { index, from, to, estimatedRows } of listed)
    table.push([index, from, to, estimatedRows === null ? '?' : countText(estimatedRows)])
  const heading = listed.length < partitions ? `the ${listed.length} largest:\n` : ''
  return `${heading}${linesOf(table)}`
}

const policies = {
  missing: 'what no earlier run completed',
  failed: 'what earlier runs tried and did not complete',
  all: 'everything',
} as const

type Selection = NonNullable<PlanReport['selection']>

function selectionText({ reprocess, leftOutRanges, ignoredRuns }: Selection): string {
  const left =
    leftOutRanges === 0
      ? 'nothing is left out'
      : `${countText(leftOutRanges)} ${leftOutRanges === 1 ? 'range is' : 'ranges are'} left out`
  const ignored =
    ignoredRuns === 0
      ? ''
      : `; ${countText(ignoredRuns)} earlier ${ignoredRuns === 1 ? 'run does' : 'runs do'} not count, of other params, another column or other files`
  return `${policies[reprocess]}; ${left}${ignored}`
}

function leftOutTable({ leftOut, leftOutRanges }: Selection): string {
  const table = new Table({ ...plain, head: ['left out from', 'to', 'why', 'run'] })
  for (const { from, to, why, runId } of leftOut) table.push([from, to, why, runId ?? ''])
  return `${leftOut.length < leftOutRanges ? `the first ${leftOut.length} of ${countText(leftOutRanges)}:\n` : ''}${linesOf(table)}`
}
