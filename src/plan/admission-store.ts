// The queue of runs, and who of it is live. Reads and writes: table run, under the lock of the one row of table admission,
// so that any number of planners decide one after the other. Crashed in the middle: the server takes back all of it.
import { z } from 'zod'
import type { RunId } from '../contract/ids.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, withTransaction } from '../postgres/pool.ts'
import { type Admission, admit } from './admission.ts'
import { controlErrors } from './ask-control.ts'

export interface AdmissionStore {
  /** Lets runs of the queue begin, as many as may. */
  admit(): Promise<Admission>
  /** Ends runs that waited for longer than they were to. */
  expire(): Promise<readonly ExpiredRun[]>
}

export interface ExpiredRun {
  readonly id: RunId
  readonly backfill: string
  readonly partitions: number
  readonly expiredAt: Date
}

/** Of more than this only the first are looked at; they move up. */
const longestQueue = 10_000

export function createAdmissionStore(pool: Pool, schema: string, limit: number): AdmissionStore {
  const s = quoteIdentifier(schema)
  return {
    admit: () =>
      controlErrors(
        withTransaction(pool, async (client) => {
          await lockAdmission(client, s)
          return admitNext(client, s, limit)
        }),
      ),
    expire: () =>
      controlErrors(
        withTransaction(pool, async (client) => {
          const { rows } = await client.query<Record<string, unknown>>(
            `update ${s}.run set state = 'failed', ended_at = now()
              where state = 'queued' and expires_at <= now()
              returning id, backfill, partitions, expires_at as "expiredAt"`,
          )
          return rows.map((row) => Expired.parse(row))
        }),
      ),
  }
}

const Expired = z.object({ id: z.uuid(), backfill: z.string(), partitions: z.coerce.number(), expiredAt: z.date() })

/** The lock first: what is counted after it nobody else changes. */
export async function lockAdmission(client: Client, schema: string): Promise<void> {
  await client.query(`select from ${schema}.admission for update`)
}

/** Decides, and lets those begin that may; in the transaction of a caller who has the lock. `schema` is quoted. */
export async function admitNext(client: Client, schema: string, limit: number): Promise<Admission> {
  const queue = await client.query<{ id: string; targetId: string }>(
    `select id, target_id as "targetId" from ${schema}.run
      where state = 'queued' and (expires_at is null or expires_at > now())
      order by priority desc, accepted_at, id limit ${longestQueue}`,
  )
  const live = await client.query<{ target_id: string }>(
    `select target_id from ${schema}.run where state in ('planning', 'running', 'paused', 'cancelling')`,
  )
  const admission = admit(
    queue.rows,
    live.rows.map((row) => row.target_id),
    limit,
  )
  if (admission.admitted.length > 0)
    await client.query(`update ${schema}.run set state = 'planning' where id = any ($1::uuid[])`, [admission.admitted])
  return admission
}
