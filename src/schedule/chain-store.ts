import { z } from 'zod'
import { askControl } from '../plan/ask-control.ts'
import { type Run, readRun } from '../plan/run-store.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'

/** A completed run that another one is to follow. */
export interface ChainEnd extends Run {
  readonly acceptedAt: Date
  /** What its request said of it; null: nothing, the definition decides. */
  readonly askedToFollow: boolean | null
}

export interface ChainStore {
  /**
   * Completed runs that are to be followed, whose end was told, and that no run follows yet; but not where a newer
   * chain of the same backfill and params has begun: that one goes on.
   */
  ends(): Promise<readonly ChainEnd[]>
}

export function createChainStore(pool: Pool, schema: string): ChainStore {
  const s = quoteIdentifier(schema)
  return {
    ends: async () => {
      const { rows } = await askControl(
        pool,
        `select r.*, r.planned_at is not null as is_planned, q.body->'follow' as asked_to_follow
           from ${s}.run r left join ${s}.request q on q.request_key = r.request_key
          where r.follow and not r.followed and r.archived_at is null and r.state = 'completed' and r.end_told
            and not exists (select from ${s}.run n
                             where n.backfill = r.backfill and n.params = r.params and n.follow
                               and (n.accepted_at, n.id) > (r.accepted_at, r.id))
          order by r.accepted_at`,
        [],
      )
      return rows.map((row) => {
        const { accepted_at, asked_to_follow } = EndRow.parse(row)
        return { ...readRun(row), acceptedAt: accepted_at, askedToFollow: asked_to_follow }
      })
    },
  }
}

const EndRow = z.object({ accepted_at: z.date(), asked_to_follow: z.boolean().nullable() })
