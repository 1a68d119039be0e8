import type { About, AlertKind, AlertSeverity } from '../contract/alert.ts'
import type { AlertEvent } from '../contract/status.ts'
import { idNamespace } from '../status/event-id.ts'
import { namedUuid } from '../status/named-uuid.ts'

/** Something that is wrong, or about to be, at this look. */
export interface Condition {
  readonly kind: AlertKind
  readonly severity: AlertSeverity
  readonly about: About
  readonly message: string
  readonly remedy: string
}

/** An alert that was raised and is not resolved. */
export type OpenAlert = Pick<Condition, 'kind' | 'severity' | 'about'> & { readonly alertId: string }

/** By what an alert is about: there is at most one open alert of each. */
export interface AlertMemory {
  readonly open: ReadonlyMap<string, OpenAlert>
  /** How often it was raised so far. */
  readonly occurrences: ReadonlyMap<string, number>
  /** When the condition of an open alert was last there, by a clock that never goes back. */
  readonly lastSeenMs: ReadonlyMap<string, number>
}

export interface AlertLook {
  readonly nowMs: number
  /** The same moment for people. */
  readonly at: string
  readonly conditions: readonly Condition[]
  /** Why nobody need know of something any more, in words; undefined: somebody has to. */
  settled(this: void, of: Pick<Condition, 'kind' | 'about'>): string | undefined
  /** Whether this look would have seen its condition: what was not looked at is neither better nor worse. */
  wasLookedAt(this: void, alert: OpenAlert): boolean
  /** How long a condition must be gone before its alert is over. */
  readonly resolveAfterMs: number
  /** How long a leader that has just begun may take to find again what is still so. */
  foundAgainMs(this: void, kind: AlertKind): number
  readonly before: AlertMemory
}

/** One alert a kind and subject: the same again raises nothing. */
export const alertKey = ({ kind, about }: Pick<Condition, 'kind' | 'about'>): string =>
  [kind, about.runId, about.backfill, about.partitionId, about.worker, about.topicPartition].join('|')

/**
 * What to raise and what to resolve. The id of an occurrence is made of its subject and its number, so a second supervisor
 * that finds the same raises the same alert, which is one event. What has become worse is raised anew.
 */
export function decideAlerts(look: AlertLook): { readonly told: readonly AlertEvent[]; readonly memory: AlertMemory } {
  const { nowMs, at, before } = look
  const open = new Map(before.open)
  const occurrences = new Map(before.occurrences)
  const lastSeenMs = new Map(before.lastSeenMs)
  const told: AlertEvent[] = []
  const conditions = look.conditions.filter((condition) => look.settled(condition) === undefined)
  const current = new Set(conditions.map(alertKey))
  const isToldOfTheRun = ({ kind, about: { runId, backfill, partitionId } }: OpenAlert): boolean =>
    partitionId !== undefined && current.has(alertKey({ kind, about: { runId, backfill } }))
  const resolve = (key: string, alert: OpenAlert, message: string): void => {
    told.push({ version: 1, type: 'alert.resolved', at, ...alert, message })
    open.delete(key)
    lastSeenMs.delete(key)
  }
  for (const condition of conditions) {
    const key = alertKey(condition)
    const known = open.get(key)
    lastSeenMs.set(key, nowMs)
    if (known !== undefined && weight[known.severity] >= weight[condition.severity]) continue
    if (known !== undefined) resolve(key, known, `it is ${condition.severity} now: raised anew`)
    const number = (occurrences.get(key) ?? 0) + 1
    occurrences.set(key, number)
    lastSeenMs.set(key, nowMs)
    const { kind, severity, about, message, remedy } = condition
    const alert: OpenAlert = { alertId: namedUuid(`alert|${key}|${number}`, idNamespace), kind, severity, about }
    open.set(key, alert)
    told.push({ version: 1, type: 'alert.raised', at, ...alert, message, remedy })
  }
  for (const [key, alert] of [...open]) {
    const reason = look.settled(alert)
    if (reason !== undefined) {
      resolve(key, alert, reason)
      continue
    }
    if (!look.wasLookedAt(alert) || isToldOfTheRun(alert)) continue
    const since = lastSeenMs.get(key) ?? nowMs + look.foundAgainMs(alert.kind)
    lastSeenMs.set(key, since)
    if (nowMs > since && nowMs - since >= look.resolveAfterMs) resolve(key, alert, 'it is not so any more')
  }
  return { told, memory: { open, occurrences, lastSeenMs } }
}

const weight = { info: 0, warning: 1, critical: 2 } as const satisfies Record<AlertSeverity, number>
