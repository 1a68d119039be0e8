import type { AlertKind } from '../contract/alert.ts'
import type { RunId } from '../contract/ids.ts'
import { type AlertMemory, type Condition, decideAlerts, type OpenAlert } from './alerts.ts'
import { gathered } from './gathered.ts'
import { knownAlerts } from './known-alerts.ts'
import type { RunStanding } from './live-runs.ts'
import { type LookedAt, type Memory, type Patience, remember, requireLead, type Supervising } from './supervising.ts'

/** How a run goes is nobody's concern any more when it has ended. */
const whileLive: ReadonlySet<AlertKind> = new Set([
  'runStalled',
  'partitionSlow',
  'partitionsSkewed',
  'errorBudgetLow',
  'intentUnacknowledged',
  'offsetTooFar',
])

/**
 * Raises and resolves alerts. What is open is known from the ledger, so a new leader neither raises twice nor forgets: it
 * waits until all that was told before it led is recorded.
 */
export async function tellAlerts(
  deps: Supervising,
  memory: Memory,
  conditions: readonly Condition[],
  looked: LookedAt,
  nowMs: number,
): Promise<void> {
  const before = memory.alerts ?? (await firstKnown(deps, memory, nowMs))
  if (before === undefined) return
  remember(memory, { alerts: before })
  const concerned = [...new Set([...before.open.values(), ...conditions].flatMap(({ about }) => about.runId ?? []))]
  const standing = concerned.length === 0 ? new Map<RunId, RunStanding>() : await deps.runs.standing(concerned)
  const { told, memory: after } = decideAlerts({
    nowMs,
    at: deps.now().toISOString(),
    conditions: gathered(conditions),
    settled: ({ kind, about }) => {
      const of = about.runId === undefined ? undefined : standing.get(about.runId)
      if (of === 'settled') return 'the run was archived, or done again'
      return of === 'ended' && whileLive.has(kind) ? 'the run has ended' : undefined
    },
    wasLookedAt: (alert) => wasLookedAt(alert, looked),
    resolveAfterMs: deps.patience.resolveAfterMs,
    foundAgainMs: (kind) => foundAgainMs(kind, deps.patience),
    before,
  })
  if (told.length > 0) {
    await requireLead(deps)
    for (const event of told) {
      const { kind, severity, about, message } = event
      const fields = { kind, severity, ...about }
      if (event.type === 'alert.resolved') deps.log.info(fields, `resolved: ${message}`)
      else deps.log[severity === 'critical' ? 'error' : 'warn'](fields, message)
    }
    await deps.status.publish(told)
    deps.notify?.(told)
  }
  remember(memory, { alerts: after })
}

/** What must last before it is one. */
function foundAgainMs(kind: AlertKind, { stalledMs, ledgerLagMs, patienceMs }: Patience): number {
  if (kind === 'runStalled') return stalledMs
  return kind === 'ledgerLag' ? ledgerLagMs : patienceMs
}

async function firstKnown(deps: Supervising, memory: Memory, nowMs: number): Promise<AlertMemory | undefined> {
  const recordedThroughMs = memory.reach?.recordedThroughMs ?? Number.NEGATIVE_INFINITY
  // When nobody records, that is to be said too.
  const waitedMs = nowMs - memory.leadsSinceMs
  if (recordedThroughMs < memory.leadsSinceMs && waitedMs < 2 * deps.patience.ledgerLagMs) return undefined
  const { memory: known, recent } = await knownAlerts(deps.pool, deps.schema)
  if (recent.length > 0) deps.notify?.(recent)
  return known
}

function wasLookedAt({ kind, about }: OpenAlert, looked: LookedAt): boolean {
  switch (kind) {
    case 'ledgerLag':
      return looked.isLedgerKnown
    case 'workerLost':
      return looked.areWorkersKnown
    case 'intentUnacknowledged':
      return looked.areIntentsKnown
    case 'offsetTooFar':
      return looked.areLanesKnown
    case 'eventContradicted':
      // What was told stays told: a person settles it.
      return false
    default:
      return about.runId !== undefined && looked.runs.has(about.runId)
  }
}
