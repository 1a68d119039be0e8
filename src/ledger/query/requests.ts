import canonicalize from 'canonicalize'
import { z } from 'zod'
import { type BackfillId, type RequestKey, RunId } from '../../contract/ids.ts'
import type { StartRequest } from '../../contract/request.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredInstant } from '../../postgres/stored-values.ts'
import { ListedRun } from './stored-run.ts'

const StoredAnswer = z.object({
  type: z.enum(['request.accepted', 'request.duplicate', 'request.rejected']),
  requestHash: z.string(),
  runId: RunId.nullable(),
  reasons: z.array(z.string()).nullable(),
  answeredAt: StoredInstant,
})
export type StoredAnswer = z.infer<typeof StoredAnswer>

const LiveRun = ListedRun.pick({ id: true, requestKey: true, state: true, params: true })

/** The live run of a backfill with these very params; null when there is none. */
export async function liveRunOf(
  pool: Pool,
  schema: string,
  backfill: BackfillId,
  params: StartRequest['params'],
): Promise<Omit<z.infer<typeof LiveRun>, 'params'> | null> {
  const { rows } = await query<Record<string, unknown>>(pool, liveStatement(schema), [backfill])
  const live = rows.map((row) => LiveRun.parse(row))
  const same = live.find((run) => canonicalize(run.params) === canonicalize(params))
  return same === undefined ? null : { id: same.id, requestKey: same.requestKey, state: same.state }
}

/** `$1`: the backfill. */
export const liveStatement = (schema: string): string =>
  `select id, request_key as "requestKey", state, params from ${quoteIdentifier(schema)}.run
    where backfill = $1 and state in ('queued', 'planning', 'running', 'paused') order by accepted_at`

/** Every answer a request key was given, the newest last. */
export async function answersOf(pool: Pool, schema: string, requestKey: RequestKey): Promise<readonly StoredAnswer[]> {
  const { rows } = await query<Record<string, unknown>>(pool, answersStatement(schema), [requestKey])
  return rows.map((row) => StoredAnswer.parse(row))
}

/** `$1`: the request key. */
export const answersStatement = (schema: string): string =>
  `select type, request_hash as "requestHash", run_id as "runId", reasons, answered_at as "answeredAt"
     from ${quoteIdentifier(schema)}.ledger_request where request_key = $1 order by answered_at, event_id`
