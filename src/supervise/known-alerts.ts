import { z } from 'zod'
import { type AlertEvent, AlertRaised, AlertResolved } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { type AlertMemory, alertKey, type OpenAlert } from './alerts.ts'

const Row = z.object({ event: z.union([AlertRaised, AlertResolved]), isRecent: z.boolean() })

export interface KnownAlerts {
  readonly memory: AlertMemory
  /** Told in the last quarter of an hour: the leader before may not have sent them on. */
  readonly recent: readonly AlertEvent[]
}

/** What is open, and how often it was, as far as it is recorded: where a new leader goes on. */
export async function knownAlerts(pool: Pool, schema: string): Promise<KnownAlerts> {
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select event, recorded_at > now() - interval '15 minutes' as "isRecent" from ${quoteIdentifier(schema)}.ledger_event
      where run_id is null and type in ('alert.raised', 'alert.resolved') order by at, type`,
  )
  const open = new Map<string, OpenAlert>()
  const raised = new Map<string, Set<string>>()
  const resolved = new Set<string>()
  const recent: AlertEvent[] = []
  for (const row of rows) {
    const { event, isRecent } = Row.parse(row)
    const { type, alertId, kind, severity, about } = event
    if (isRecent) recent.push(event)
    const key = alertKey({ kind, about })
    if (type === 'alert.resolved') {
      resolved.add(alertId)
      if (open.get(key)?.alertId === alertId) open.delete(key)
      continue
    }
    raised.set(key, (raised.get(key) ?? new Set()).add(alertId))
    if (!resolved.has(alertId)) open.set(key, { alertId, kind, severity, about })
  }
  const occurrences = new Map([...raised].map(([key, ids]) => [key, ids.size]))
  return { memory: { open, occurrences, lastSeenMs: new Map() }, recent }
}
