import type { TableName } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'

export interface Sample {
  /** FROM clause that names the table `t`. */
  readonly from: string
  /** Of the table's blocks, to 100. */
  readonly percent: number
}

const sampledBlocks = 3_000

/**
 * Some thousand blocks of a table, always the same: planning twice gives the same plan, as long as nobody writes. A view or
 * a foreign table has no blocks, and is looked at whole.
 */
export async function sampleOf(pool: Pool, table: TableName): Promise<Sample> {
  const { rows } = await query<{ blocks: string }>(
    pool,
    `select coalesce(sum(pg_relation_size(relid)), pg_relation_size(c.oid)) / current_setting('block_size')::int8 as blocks
       from pg_class c join pg_namespace n on n.oid = c.relnamespace left join lateral pg_partition_tree(c.oid) on true
      where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'm') group by c.oid`,
    [table.schema, table.table],
  )
  const from = `from ${table.sql} as t`
  const [stored] = rows
  if (stored === undefined) return { from, percent: 100 }
  const percent = Math.min(100, (100 * sampledBlocks) / Math.max(1, Number(stored.blocks)))
  return percent === 100
    ? { from, percent }
    : { from: `${from} tablesample system (${percent}) repeatable (0)`, percent }
}
