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
  select n.event_id as "eventId", max(c.recorded_at) as "recordedAt",
         jsonb_agg(jsonb_build_object('event', c.event, 'topicPartition', c.topic_partition,
           'offset', c.record_offset::text) order by c.at, c.topic_partition, c.record_offset) as versions
    from (select distinct event_id from (select event_id from ${table} order by recorded_at desc limit $1) newest) n
    join ${table} c on c.event_id = n.event_id
   group by n.event_id order by max(c.recorded_at) desc, n.event_id`
}
