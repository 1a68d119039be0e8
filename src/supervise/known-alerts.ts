import { z } from 'zod'
import { type AlertEvent, AlertRaised, AlertResolved } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { type AlertMemory, alertKey, type OpenAlert } from './alerts.ts'

const Row = z.object({
  raised: AlertRaised.nullable(),
  resolved: AlertResolved.nullable(),
  isRaisedLately: z.boolean(),
  isResolvedLately: z.boolean(),
})

export interface KnownAlerts {
  readonly memory: AlertMemory
  /** Told in the last quarter of an hour: the leader before may not have sent them on. */
  readonly recent: readonly AlertEvent[]
}

/** What is open, and how often it was, as far as it is recorded: where a new leader goes on. */
export async function knownAlerts(pool: Pool, schema: string): Promise<KnownAlerts> {
  const lately = `coalesce($ > now() - interval '15 minutes', false)`
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select raised, resolved, ${lately.replace('$', 'raised_at')} as "isRaisedLately",
            ${lately.replace('$', 'resolved_at')} as "isResolvedLately"
       from ${quoteIdentifier(schema)}.ledger_alert order by coalesce(raised_at, resolved_at), alert_id`,
  )
  const open = new Map<string, OpenAlert>()
  const occurrences = new Map<string, number>()
  const recent: AlertEvent[] = []
  for (const row of rows) {
    const { raised, resolved, isRaisedLately, isResolvedLately } = Row.parse(row)
    if (raised !== null && isRaisedLately) recent.push(raised)
    if (resolved !== null && isResolvedLately) recent.push(resolved)
    const told = raised ?? resolved
    if (told === null) continue
    const { alertId, kind, severity, about } = told
    const key = alertKey(told)
    occurrences.set(key, (occurrences.get(key) ?? 0) + 1)
    if (resolved === null) open.set(key, { alertId, kind, severity, about })
  }
  return { memory: { open, occurrences, lastSeenMs: new Map() }, recent }
}
