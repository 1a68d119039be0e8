import { z } from 'zod'
import { StatusEvent } from '../../contract/status.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredCount, StoredInstant } from '../../postgres/stored-values.ts'

const Contradiction = z.object({
  eventId: z.uuid(),
  /** What was told, each once, by the copy that was told first; the one that the history has comes first. */
  versions: z.array(z.object({ event: StatusEvent, topicPartition: StoredCount, offset: z.string() })),
  /** When the newest version was recorded. */
  recordedAt: StoredInstant,
})
export type Contradiction = z.infer<typeof Contradiction>

/** Facts of which more than one thing was told, the newest first. */
export async function listContradictions(pool: Pool, schema: string, limit = 100): Promise<readonly Contradiction[]> {
  const { rows } = await query<Record<string, unknown>>(pool, contradictionsStatement(schema), [limit])
  return rows.map((row) => Contradiction.parse(row))
}

/** `$1`: how many versions are looked at. */
export const contradictionsStatement = (schema: string): string => {
  const table = `${quoteIdentifier(schema)}.ledger_contradiction`
  return `
  select n.event_id as "eventId", v."recordedAt", v.versions
    from (select distinct event_id from (select event_id from ${table} order by recorded_at desc limit $1) newest) n
   cross join lateral (
     select max(recorded_at) as "recordedAt",
            jsonb_agg(jsonb_build_object('event', event, 'topicPartition', topic_partition,
              'offset', record_offset::text) order by at, topic_partition, record_offset) as versions
       from ${table} c where c.event_id = n.event_id) v
   order by v."recordedAt" desc, n.event_id`
}
