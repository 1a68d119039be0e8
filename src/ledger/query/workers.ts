import { z } from 'zod'
import { Count } from '../../contract/certificate.ts'
import { WorkerId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../../postgres/stored-values.ts'

const ListedWorker = z.object({
  worker: WorkerId,
  instance: z.uuid(),
  /** Of the newest it said, unless it was given up since. */
  state: z.enum(['started', 'alive', 'stopped', 'lost']),
  /** Of the newest it said: an event that gives it up has the same. */
  sequence: StoredCount,
  /** Null: it was only spoken of. */
  slots: StoredCount.nullable(),
  running: StoredCount.nullable(),
  lanes: z.array(Count).nullable(),
  residentMb: z.number().nullable(),
  /** Of one core. */
  cpuShare: z.number().nullable(),
  loopDelayMs: z.number().nullable(),
  firstHeardAt: StoredInstant,
  lastHeardAt: StoredInstant.nullable(),
  lostAt: StoredInstant.nullable(),
  lostMessage: z.string().nullable(),
})
export type ListedWorker = z.infer<typeof ListedWorker>

/** Every worker by what its newest process said last, in the order of their ids. */
export async function listWorkers(pool: Pool, schema: string): Promise<readonly ListedWorker[]> {
  const { rows } = await query<Record<string, unknown>>(pool, workersStatement(schema))
  return rows.map((row) => ListedWorker.parse(row))
}

/** Of each worker the newest process, found by the index without reading the others. */
export const workersStatement = (schema: string): string => {
  const table = `${quoteIdentifier(schema)}.ledger_worker`
  return `
  with recursive id as (
    (select worker from ${table} order by worker limit 1)
    union all
    select (select worker from ${table} w where w.worker > id.worker order by w.worker limit 1) from id where id.worker is not null
  )
  select w.worker, w.instance, greatest(w.sequence, w.lost_sequence) as sequence, w.slots, w.running, w.lanes,
         w.resident_mb as "residentMb", w.cpu_share as "cpuShare", w.loop_delay_ms as "loopDelayMs",
         w.first_heard_at as "firstHeardAt", w.last_heard_at as "lastHeardAt",
         case when w.is_lost then w.lost_at end as "lostAt", case when w.is_lost then w.lost_message end as "lostMessage",
         case when w.is_lost then 'lost' when w.rank = 0 then 'started' when w.rank = 1 then 'alive' else 'stopped' end as state
    from id cross join lateral (
      select *, coalesce(lost_sequence >= sequence and rank < 2, sequence is null) as is_lost from ${table}
       where worker = id.worker order by first_heard_at desc limit 1) w
   order by w.worker`
}
