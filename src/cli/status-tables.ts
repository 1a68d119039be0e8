import Table from 'cli-table3'
import type { RunSummary } from '../ledger/query/run-summary.ts'
import type { ListedRun } from '../ledger/query/stored-run.ts'
import type { Obedience } from '../status/acknowledged.ts'
import { intentText } from './intent-text.ts'
import { linesOf, plain } from './plain-table.ts'
import { countText } from './run/progress-text.ts'

export function runsTable(runs: readonly ListedRun[]): string {
  if (runs.length === 0) return 'no runs yet; "tidemark submit BACKFILL" asks for one'
  const table = new Table({ ...plain, head: ['run', 'backfill', 'state', 'partitions', 'failed', 'accepted'] })
  for (const run of runs) {
    const { id, backfill, partitions, acceptedAt } = run
    table.push([
      id,
      backfill,
      stateText(run),
      `${countText(partitions.completed)}/${countText(partitions.total)}`,
      countText(partitions.failed),
      acceptedAt,
    ])
  }
  return linesOf(table)
}

const stateText = ({ state, position, archivedAt }: ListedRun): string =>
  position !== null ? `${state}, place ${position}` : archivedAt !== null ? `${state}, archived` : state

export function runTable(run: RunSummary, obedience: Obedience | null): string {
  const { partitions, totals } = run
  const facts: [string, string][] = [
    ['run', `${run.id} of ${run.backfill}: ${stateText(run)}`],
    ['request', run.requestKey],
    ...(run.retryOf === null ? [] : [['retry of', run.retryOf] as [string, string]]),
    ...(run.retries.length === 0 ? [] : [['retried by', run.retries.join(', ')] as [string, string]]),
    ...(run.follows === null ? [] : [['follows', run.follows] as [string, string]]),
    ...(run.followedBy !== null
      ? [['followed by', run.followedBy] as [string, string]]
      : run.follow && run.state !== 'failed' && run.state !== 'cancelled'
        ? [['followed by', 'none yet: when it has completed, and rows have come in above it'] as [string, string]]
        : []),
    ...(run.intended === null ? [] : [['intent', intentText(run.intended, obedience)] as [string, string]]),
    ['target', run.target],
    ['accepted', run.acceptedAt],
    ...(run.priority === 0 && run.weight === 1
      ? []
      : [['share', `priority ${run.priority}, weight ${run.weight}`] as [string, string]]),
    ['planned', run.plannedAt ?? 'not yet'],
    ['ended', run.endedAt ?? 'not yet'],
    ...(run.archivedAt === null ? [] : [['archived', run.archivedAt] as [string, string]]),
    [
      'rows',
      `${countText(totals.rowsRead)} read, ${countText(totals.rowsWritten)} written, ${countText(totals.rowsRejected)} rejected`,
    ],
    ['claims', `${countText(run.claims)}, ${countText(run.republished)} tasks published again`],
  ]
  const states = new Table({ ...plain, head: ['partitions', 'pending', 'running', 'completed', 'failed', 'cancelled'] })
  states.push(
    [
      ...[partitions.total, partitions.pending, partitions.running, partitions.completed, partitions.failed],
      partitions.cancelled,
    ].map(countText),
  )
  const blocks = [facts.map(([name, text]) => `${name.padEnd(12)} ${text}`).join('\n'), linesOf(states)]
  if (run.workers.length > 0) {
    const workers = new Table({ ...plain, head: ['worker', 'partitions', 'claims', 'rows read', 'chunks'] })
    for (const { worker, partitions: held, claims, rowsRead, chunks } of run.workers)
      workers.push([worker, ...[held, claims, rowsRead, chunks].map(countText)])
    blocks.push(linesOf(workers))
  }
  for (const { index, reason, message } of run.failures)
    blocks.push(`partition ${index} failed: ${message ?? reason ?? 'no reason told'}`)
  return blocks.join('\n\n')
}
