import type { Intent } from '../contract/control.ts'
import type { IntentEvent, StatusEvent } from '../contract/status.ts'
import { durationText } from '../status/number-text.ts'
import type { PartitionFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { type History, msOf } from './history.ts'
import { byText, timesText } from './timeline.ts'

const ofRun = ['run.paused', 'run.resumed', 'run.cancelling'] as const
const ofIt = ['partition.paused', 'partition.resumed', 'partition.cancelling'] as const

/** It, or its run, is paused, or is being cancelled: since when, for whom and why. */
export function heldFindings({ runId, partitionId, run, planned }: PartitionFacts, history: History): Finding[] {
  const [whole, own] = [newestIntent(history.events, ofRun), newestIntent(history.events, ofIt)]
  const wantedOfRun = run === null ? intentTold(whole) : run.state === 'cancelling' ? 'cancelled' : run.intent
  const wantedOfIt = planned === null ? intentTold(own) : (planned.intent ?? 'running')
  const since = run?.intended ?? null
  const runText =
    since === null ? toldText(whole) : `${byText({ requestedBy: since.by, reason: since.reason })}, since ${since.at}`
  const findings: Finding[] = []
  if (wantedOfRun === 'cancelled' || wantedOfIt === 'cancelled')
    findings.push({
      kind: 'cancelling',
      text: `${wantedOfRun === 'cancelled' ? `Its run is being cancelled${runText}` : `It is being cancelled${toldText(own)}`}: it ends at its next chunk, or when the supervisor finds it.`,
      remedy: null,
    })
  if (wantedOfRun === 'paused')
    findings.push({
      kind: 'paused',
      text: `Its run is paused${runText}.`,
      remedy: `"tidemark resume ${runId}" lets it go on where it stands`,
    })
  if (wantedOfIt === 'paused')
    findings.push({
      kind: 'paused',
      text: `It is paused by itself${toldText(own)}.`,
      remedy: `"tidemark resume ${runId} --partition ${partitionId}" lets it go on where it stands`,
    })
  return findings
}

const toldText = (intent: IntentEvent | undefined): string =>
  intent === undefined ? '' : `${byText(intent)}, since ${intent.at}`

/** The one with the highest control sequence. */
export function newestIntent(
  events: readonly StatusEvent[],
  types: readonly IntentEvent['type'][],
): IntentEvent | undefined {
  let newest: IntentEvent | undefined
  for (const event of events)
    if (isIntent(event) && types.includes(event.type) && event.sequence >= (newest?.sequence ?? 0)) newest = event
  return newest
}

const isIntent = (event: StatusEvent): event is IntentEvent =>
  ([...ofRun, ...ofIt] as readonly StatusEvent['type'][]).includes(event.type)

function intentTold(intent: IntentEvent | undefined): Intent {
  if (intent === undefined) return 'running'
  if (intent.type.endsWith('paused')) return 'paused'
  return intent.type.endsWith('cancelling') ? 'cancelled' : 'running'
}

/** How often, and for how long in all, it or its run was paused between its first claim and `untilMs`. */
export function pausesOf({ events, holds }: History, untilMs: number): { readonly times: number; readonly ms: number } {
  const first = holds[0]?.events[0]
  if (first === undefined) return { times: 0, ms: 0 }
  const fromMs = msOf(first)
  const pausedBy = new Set<string>()
  let [times, ms, since] = [0, 0, 0]
  const end = (atMs: number): void => {
    if (atMs <= fromMs) return
    times += 1
    ms += Math.max(0, Math.min(atMs, untilMs) - Math.max(since, fromMs))
  }
  for (const event of events) {
    if (!isIntent(event)) continue
    const [what = ''] = event.type.split('.')
    const was = pausedBy.size > 0
    if (event.type.endsWith('paused')) pausedBy.add(what)
    else pausedBy.delete(what)
    if (!was && pausedBy.size > 0) since = msOf(event)
    if (was && pausedBy.size === 0) end(msOf(event))
  }
  if (pausedBy.size > 0) end(untilMs)
  return { times, ms }
}

/** It was paused, and is not any more: that time is nobody's fault. */
export function pausedBeforeFinding(history: History, untilMs: number): Finding[] {
  const { times, ms } = pausesOf(history, untilMs)
  if (times === 0) return []
  return [
    {
      kind: 'paused',
      text: `It was paused ${timesText(times, 'time')}, for ${durationText(ms)} in all.`,
      remedy: null,
    },
  ]
}
