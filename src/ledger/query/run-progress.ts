import type { RunId } from '../../contract/ids.ts'
import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { countsOfRun, RunProgress, runColumns } from './stored-run.ts'

/** How far a run is; null when there is no such run. Reads a few rows, however many partitions it has. */
export async function runProgress(pool: Pool, schema: string, runId: RunId): Promise<RunProgress | null> {
  const { rows } = await query<Record<string, unknown>>(pool, progressStatement(schema), [runId])
  return rows[0] === undefined ? null : RunProgress.parse(rows[0])
}

/** `$1`: the run. */
export const progressStatement = (schema: string): string =>
  `select ${runColumns(schema)}, c.totals, c.spent, c.claims, c.republished,
          c.first_event_at as "firstEventAt", c.last_event_at as "lastEventAt"
     from ${quoteIdentifier(schema)}.run r ${countsOfRun(schema)} where r.id = $1`
