import { quoteIdentifier } from '../../postgres/identifier.ts'
import { type Pool, query } from '../../postgres/pool.ts'
import { countsOfRun, ListedRun, runColumns } from './stored-run.ts'

/** The newest runs first; those that were archived only if asked for. */
export async function listRuns(
  pool: Pool,
  schema: string,
  withArchived = false,
  limit = 50,
): Promise<readonly ListedRun[]> {
  const { rows } = await query<Record<string, unknown>>(pool, listStatement(schema, withArchived), [limit])
  return rows.map((row) => ListedRun.parse(row))
}

/** `$1`: how many. */
export const listStatement = (schema: string, withArchived: boolean): string =>
  `with listed as (select * from ${quoteIdentifier(schema)}.run ${withArchived ? '' : 'where archived_at is null'}
                    order by accepted_at desc, id desc limit $1)
   select ${runColumns(schema)} from listed r ${countsOfRun(schema)} order by r.accepted_at desc, r.id desc`
