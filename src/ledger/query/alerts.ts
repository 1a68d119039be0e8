import { z } from 'zod'
import { About, AlertKind, AlertSeverity } from '../../contract/alert.ts'
import type { RunId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredInstant } from '../../postgres/stored-values.ts'

const ListedAlert = z.object({
  alertId: z.uuid(),
  kind: AlertKind,
  severity: AlertSeverity,
  about: About,
  message: z.string(),
  remedy: z.string(),
  raisedAt: StoredInstant,
  /** Null: it is open. */
  resolvedAt: StoredInstant.nullable(),
  resolution: z.string().nullable(),
})
export type ListedAlert = z.infer<typeof ListedAlert>

/** Alerts that were raised and are not over, the oldest first. */
export async function openAlerts(pool: Pool, schema: string, limit = 1_000): Promise<readonly ListedAlert[]> {
  return listed(pool, openAlertsStatement(schema), [limit])
}

/** Alerts about a run, those that are over too, the newest first. */
export async function alertsOf(pool: Pool, schema: string, runId: RunId, limit = 100): Promise<readonly ListedAlert[]> {
  return listed(pool, alertsOfStatement(schema), [runId, limit])
}

async function listed(pool: Pool, statement: string, values: readonly unknown[]): Promise<readonly ListedAlert[]> {
  const { rows } = await query<Record<string, unknown>>(pool, statement, values)
  return rows.map((row) => ListedAlert.parse(row))
}

/** `$1`: how many. */
export const openAlertsStatement = (schema: string): string =>
  `${selected} from ${quoteIdentifier(schema)}.ledger_alert
    where raised is not null and resolved is null order by raised_at limit $1`

/** `$1`: the run, `$2`: how many. */
export const alertsOfStatement = (schema: string): string =>
  `${selected} from ${quoteIdentifier(schema)}.ledger_alert
    where run_id = $1 and raised is not null order by raised_at desc limit $2`

const selected = `select alert_id as "alertId", kind, severity, raised -> 'about' as about, raised ->> 'message' as message,
  raised ->> 'remedy' as remedy, raised_at as "raisedAt", resolved_at as "resolvedAt", resolved ->> 'message' as resolution`
