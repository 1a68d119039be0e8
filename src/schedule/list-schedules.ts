import { z } from 'zod'
import { BackfillId, RequestKey, RunId } from '../contract/ids.ts'
import { RunState } from '../contract/states.ts'
import type { Definitions } from '../define/discover.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { dueAfter } from './due-times.ts'
import { scheduleKeys } from './schedule-requests.ts'

/** A schedule, and what became of the last run it asked for. */
export interface ListedSchedule {
  readonly backfill: BackfillId
  readonly every: string
  readonly timezone: string
  /** RFC 3339; null: it never comes any more. */
  readonly next: string | null
  /** Null: nothing was asked for yet, or there is no answer yet. */
  readonly last: LastRequest | null
}

const LastRequest = z.object({
  requestKey: RequestKey,
  /** Null: it was rejected. */
  runId: RunId.nullable(),
  state: z.union([RunState, z.literal('rejected')]),
  /** Why it was rejected. */
  reasons: z.array(z.string()),
})
export type LastRequest = z.infer<typeof LastRequest>

/** Every definition with a schedule, by id. */
export async function listSchedules(
  pool: Pool,
  schema: string,
  definitions: Definitions,
  now: Date,
): Promise<readonly ListedSchedule[]> {
  const listed: ListedSchedule[] = []
  for (const { backfill } of definitions.all()) {
    if (backfill.schedule === null) continue
    const { every, timezone } = backfill.schedule
    const next = dueAfter(backfill.schedule, now)?.toISOString() ?? null
    listed.push({ backfill: backfill.id, every, timezone, next, last: await lastRequest(pool, schema, backfill.id) })
  }
  return listed
}

/** Keys end in the due time, which orders as text. */
async function lastRequest(pool: Pool, schema: string, backfill: BackfillId): Promise<LastRequest | null> {
  const s = quoteIdentifier(schema)
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select "requestKey", "runId", state, reasons from (
       select request_key as "requestKey", id as "runId", state, '[]'::jsonb as reasons, 0 as rank from ${s}.run
        where backfill = $1 and starts_with(request_key, $2)
       union all
       select request_key, null, 'rejected', reasons, 1 from ${s}.ledger_request
        where type = 'request.rejected' and starts_with(request_key, $2)) asked
      order by "requestKey" collate "C" desc, rank limit 1`,
    [backfill, scheduleKeys(backfill)],
  )
  return rows[0] === undefined ? null : LastRequest.parse(rows[0])
}
