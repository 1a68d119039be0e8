import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import type { BackfillId } from '../contract/ids.ts'
import { Instant } from '../contract/instant.ts'
import { StartRequest } from '../contract/request.ts'
import type { Schedule } from '../define/schedule.ts'
import { askControl } from '../plan/ask-control.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'

/** What is to be told and asked for, once it stands in the control database: after a crash the same again. */
export const Decided = z.object({
  requests: z.array(StartRequest),
  skipped: z.object({ from: Instant, to: Instant, times: Count.nullable() }).nullable(),
})
export type Decided = z.infer<typeof Decided>

export interface StoredSchedule {
  /** Due times up to this one are decided upon. */
  readonly handled: Date
  /** Perhaps not carried out yet; null: it is. */
  readonly decided: Decided | null
}

export interface ScheduleStore {
  /** What is known of a schedule. One that is new, or was changed, begins now. What was decided stays decided. */
  begin(backfill: BackfillId, schedule: Pick<Schedule, 'every' | 'timezone'>, now: Date): Promise<StoredSchedule>
  /** False: another planner has decided meanwhile. */
  decide(backfill: BackfillId, handled: Date, upTo: Date, decided: Decided): Promise<boolean>
  /** What was decided up to this time is told and asked for. */
  carriedOut(backfill: BackfillId, upTo: Date): Promise<void>
}

export function createScheduleStore(pool: Pool, schema: string): ScheduleStore {
  const table = `${quoteIdentifier(schema)}.schedule`
  return {
    begin: async (backfill, { every, timezone }, now) => {
      const { rows } = await askControl(
        pool,
        `with begun as (
           insert into ${table} as s (backfill, every, timezone, handled) values ($1, $2, $3, $4)
           on conflict (backfill) do update
             set every = excluded.every, timezone = excluded.timezone, handled = greatest(s.handled, excluded.handled)
             where (s.every, s.timezone) <> (excluded.every, excluded.timezone)
           returning handled, decided)
         select handled, decided from begun
         union all select handled, decided from ${table} where backfill = $1 and not exists (select from begun)`,
        [backfill, every, timezone, now],
      )
      return StoredRow.parse(rows[0])
    },
    decide: async (backfill, handled, upTo, decided) => {
      const { rowCount } = await askControl(
        pool,
        `update ${table} set handled = $3, decided = $4 where backfill = $1 and handled = $2 and decided is null`,
        [backfill, handled, upTo, JSON.stringify(decided)],
      )
      return rowCount === 1
    },
    carriedOut: async (backfill, upTo) => {
      await askControl(pool, `update ${table} set decided = null where backfill = $1 and handled = $2`, [
        backfill,
        upTo,
      ])
    },
  }
}

const StoredRow = z.object({ handled: z.date(), decided: Decided.nullable() })
