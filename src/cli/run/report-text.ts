import type { PhaseName } from './phases.ts'
import { countText, durationText } from './progress-text.ts'
import { differences, type Report } from './report.ts'

const phaseText = {
  stackMs: 'servers',
  topicsMs: 'topics',
  rolesMs: 'roles',
  planMs: 'plan',
  workMs: 'work',
  verifyMs: 'verify',
  stopMs: 'stop',
} as const satisfies Record<PhaseName, string>

/** The report as a person reads it. */
export function reportText(report: Report): string {
  const { rowsReadAgainLimit: limit } = report
  const lines: [string, string][] = [
    ['run', `${report.runId} of ${report.backfill}: ${report.state}`],
    ['partitions', `${countText(report.partitions)}, ${countText(report.partitionsFailed)} failed`],
    ['chunks', `${countText(report.chunks)}, ${countText(report.checkpoints)} checkpoints`],
    [
      'rows',
      `${countText(report.rowsRead)} read, ${countText(report.rowsWritten)} written, ` +
        `${countText(report.rowsFiltered)} filtered, ${countText(report.rowsRejected)} rejected`,
    ],
    [
      'stored',
      report.rowsStored === null ? 'not known' : `${countText(report.rowsStored)} rows, counted by the sink itself`,
    ],
    ['hash sent', report.contentHashSent],
    ['hash stored', `${report.contentHashStored ?? 'not known'}${verdict(report)}`],
    ['interrupted', `${report.kills} kills, ${report.restarts} restarts, ${report.takeovers} partitions taken over`],
    [
      'read again',
      `${countText(report.rowsReadAgain)} rows (at most ${limit.kills} kills × ${limit.slotsPerWorker} tasks × ` +
        `${countText(limit.largestChunkRows)} rows = ${countText(limit.rows)})`,
    ],
    ['time', `${durationText(report.totalMs)}: ${phasesText(report)}`],
    ['rate', `${countText(report.ratePerSecond)} rows/s with ${report.workers} workers`],
    ['memory', `${countText(report.peakWorkerRssMb)} MB in the largest worker`],
  ]
  return lines.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n')
}

function verdict(report: Report): string {
  if (report.contentHashStored === null) return ''
  return differences(report).length === 0 ? ' (equal)' : ' (NOT EQUAL)'
}

function phasesText({ phasesMs }: Report): string {
  const entries = Object.entries(phaseText) as [PhaseName, string][]
  return entries.map(([phase, text]) => `${text} ${durationText(phasesMs[phase])}`).join(', ')
}
