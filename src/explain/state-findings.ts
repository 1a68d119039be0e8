import type { RunId } from '../contract/ids.ts'
import { isTerminalRun } from '../contract/states.ts'
import type { AlertEvent, PartitionEvent } from '../contract/status.ts'
import { publishOrder } from '../plan/publish-order.ts'
import { countText, durationText } from '../status/number-text.ts'
import type { PartitionFacts, RunFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { newestIntent } from './held-findings.ts'
import type { History } from './history.ts'
import { tookMs } from './pace.ts'
import { byText, rowsText, timesText } from './timeline.ts'

/** Alerts about the partition that are not over, the gravest first. */
export function alertFindings({ events }: History): Finding[] {
  const resolved = new Set(events.flatMap((event) => (event.type === 'alert.resolved' ? [event.alertId] : [])))
  return events
    .filter((event) => event.type === 'alert.raised')
    .filter(({ alertId }) => !resolved.has(alertId))
    .sort((a, b) => gravity[a.severity] - gravity[b.severity])
    .map(({ severity, message, remedy, at }) => ({
      kind: 'alert',
      text: `Alert (${severity}) since ${at}: ${message}`,
      remedy,
    }))
}

const gravity = { critical: 0, warning: 1, info: 2 } as const satisfies Record<AlertEvent['severity'], number>

export function failedFinding(
  { runId, partitionId, run }: PartitionFacts,
  { reason, message, attempts, at }: Extract<PartitionEvent, { type: 'partition.failed' }>,
): Finding {
  const retry = `"tidemark retry ${runId} --partition ${partitionId}" does it again`
  const retried = run?.retries ?? []
  return {
    kind: 'failed',
    text: `It failed at ${at} with ${reason} after ${timesText(attempts, 'attempt')}: ${message}`,
    remedy: [
      `mend what the message says; ${run === null || isTerminalRun(run.state) ? retry : `when its run has ended, ${retry}`}`,
      ...(retried.length > 0 ? [`of its run, ${retried.join(', ')} did partitions again`] : []),
    ].join('; '),
  }
}

export function cancelledFinding(facts: PartitionFacts, history: History): Finding {
  const order = newestIntent(history.events, ['partition.cancelling', 'run.cancelling'])
  const { newest } = history
  const rows = newest?.totals.rowsWritten ?? 0
  const whose = order?.type === 'run.cancelling' ? 'with its run' : 'by itself'
  return {
    kind: 'cancelled',
    text: `It was cancelled${order === undefined ? '' : ` ${whose}${byText(order)}, at ${order.at}`}; ${rows === 0 ? 'nothing of it was written' : `${rowsText(rows)} that it had written stay`}.`,
    remedy: `"tidemark retry ${facts.runId} --partition ${facts.partitionId}" does it again when its run has ended`,
  }
}

export function completedFinding({ others }: PartitionFacts, history: History, nowMs: number): Finding {
  const { newest } = history
  const ms = tookMs(history, nowMs) ?? 0
  const rows = newest?.totals.rowsRead ?? 0
  const rate = ms > 0 ? `, ${countText(Math.round((rows * 1_000) / ms))} rows/s` : ''
  const median =
    others === null || others.completed === 0 ? '' : `; the median of its run is ${durationText(others.medianMs)}`
  return {
    kind: 'completed',
    text: `It completed at ${newest?.at ?? 'a time that was not told'}, ${durationText(ms)} after it was first claimed: ${rowsText(rows)}${rate}${median}.`,
    remedy: null,
  }
}

/** Nobody has claimed it: what it waits for. */
export function pendingFinding({ runId, index, run }: PartitionFacts): Finding {
  const unclaimed: Finding = {
    kind: 'unclaimed',
    text: 'Nobody has claimed it yet.',
    remedy:
      '"tidemark offsets" shows which lanes have a worker, and how many tasks wait in them; "tidemark worker" starts one more',
  }
  if (run === null) return unclaimed
  if (run.state === 'queued')
    return {
      kind: 'queued',
      text: 'Its run waits in the queue: as many runs as may be are live, or one is on its target.',
      remedy: `"tidemark status ${runId}" tells its place; "tidemark tune ${runId} --priority N" moves it forward`,
    }
  if (run.state === 'planning') return { kind: 'planning', text: 'Its run is still being planned.', remedy: null }
  const before = publishOrder(run.partitions).placeOf(index) - run.published
  if (before >= 0)
    return {
      kind: 'unpublished',
      text: `Its task is not published yet: ${before === 0 ? 'it is the next of its run' : `${timesText(before, 'task')} of its run ${before === 1 ? 'is' : 'are'} before it`}, ${countText(run.published)} of ${countText(run.partitions)} are published.`,
      remedy:
        run.mostOpen === null
          ? `tasks are published as open ones end: more workers, or a higher priority ("tidemark tune ${runId} --priority N"), bring it forward`
          : `no more than ${timesText(run.mostOpen, 'task')} of the run may be open at a time: "tidemark tune ${runId} --max-concurrent-partitions N" allows more`,
    }
  const since = run.plannedAt === null ? '' : ` Its run was planned at ${run.plannedAt}.`
  return { ...unclaimed, text: `Its task is published, and nobody has claimed it yet.${since}` }
}

/** Its run has ended, and its own end was not told. */
export function endedFinding(runId: RunId, { state }: RunFacts, { events, newest }: History): Finding {
  const [reason] = events.flatMap((event) => (event.type === 'run.failed' ? [event.reason] : []))
  const why = reason === undefined ? '' : `: ${reason}`
  const last =
    newest === undefined
      ? 'nobody ever claimed it, as far as was told'
      : `of it nothing was told after ${newest.at}, when ${newest.worker} had it`
  return {
    kind: 'ended',
    text: `Its run ${stateWords[state]}${why}, and ${last}.`,
    remedy: `"tidemark status ${runId}" shows what became of the others`,
  }
}

const stateWords: Readonly<Partial<Record<RunFacts['state'], string>>> = {
  completed: 'has completed',
  failed: 'has failed',
  cancelled: 'has been cancelled',
}

/** No open task covered it. */
export function republishedFinding({ events }: History): Finding[] {
  const times = events.filter(({ type }) => type === 'partition.republished')
  const last = times.at(-1)
  if (last === undefined) return []
  return [
    {
      kind: 'republished',
      text: `Its task was published again ${timesText(times.length, 'time')}, the last time at ${last.at}: no open task covered it.`,
      remedy: null,
    },
  ]
}
