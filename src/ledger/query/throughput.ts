import { z } from 'zod'
import type { RunId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { StoredInstant } from '../../postgres/stored-values.ts'

const Heard = z.object({
  /** The beginning of ten seconds. */
  since: StoredInstant,
  // Less than none only where events contradict each other.
  rowsRead: z.coerce.number(),
  rowsWritten: z.coerce.number(),
  chunks: z.coerce.number(),
  /** Partitions that ended. */
  ended: z.coerce.number(),
})
export type Heard = z.infer<typeof Heard>

/** What was heard of a run since a time, in steps of ten seconds, the oldest first; steps without anything are left out. */
export async function throughput(pool: Pool, schema: string, runId: RunId, since: Date): Promise<readonly Heard[]> {
  const { rows } = await query<Record<string, unknown>>(pool, throughputStatement(schema), [runId, since])
  return rows.map((row) => Heard.parse(row))
}

/** `$1`: the run, `$2`: since when. */
export const throughputStatement = (schema: string): string =>
  `select since, sum(rows_read) as "rowsRead", sum(rows_written) as "rowsWritten", sum(chunks) as chunks, sum(ended) as ended
     from ${quoteIdentifier(schema)}.ledger_heard where run_id = $1 and since >= $2 group by since order by since`
