import type { RunId } from '../contract/ids.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, withTransaction } from '../postgres/pool.ts'
import type { BrokenChain } from './sink.ts'

const mostNamed = 100

/**
 * Partitions of a run whose recorded chunks do not lead, one from where the other ended, from the beginning to the
 * checkpoint row's cursor, or do not add up to its counts and hash. Reads checkpoint rows and chunks; names at most a
 * hundred.
 */
export async function brokenChains(pool: Pool, schema: string, runId: RunId): Promise<readonly BrokenChain[]> {
  return withTransaction(pool, async (client) => {
    await client.query('set local statement_timeout = 0')
    const { rows } = await client.query<{ partition_id: string; what: string }>({
      text: chainSql(quoteIdentifier(schema)),
      values: [runId],
    })
    return rows.map(({ partition_id, what }) => ({ partitionId: partition_id, message: what }))
  })
}

const chainSql = (schema: string): string => `
  with own as (select * from ${schema}.checkpoint where run_id = $1),
  link as (
    select c.partition_id, c.sequence, c.through_cursor, c.last, c.rows_read, c.rows_written, c.rows_filtered,
           c.rows_rejected, c.content_hash,
           c.sequence <> row_number() over w or c.after_cursor is distinct from lag(c.through_cursor) over w as is_off,
           row_number() over (partition by c.partition_id order by c.sequence desc) = 1 as is_end
      from ${schema}.chunk c join own using (partition_id)
    window w as (partition by c.partition_id order by c.sequence)),
  chain as (
    select partition_id, count(*) as chunks, bool_or(is_off) as is_off, max(through_cursor) filter (where is_end) as cursor,
           bool_or(last) as has_last, bool_or(last and not is_end) as ends_early, sum(rows_read) as rows_read,
           sum(rows_written) as rows_written, sum(rows_filtered) as rows_filtered, sum(rows_rejected) as rows_rejected,
           sum(content_hash) as content_hash
      from link group by partition_id),
  judged as (
    select own.partition_id, own.index, case
      when own.sequence <> coalesce(chain.chunks, 0)
        then own.sequence || ' chunks were committed, ' || coalesce(chain.chunks, 0) || ' are recorded'
      when chain.is_off then 'a chunk does not begin where the one before ended'
      when chain.ends_early then 'chunks follow the last one'
      when (own.state = 'completed') <> coalesce(chain.has_last, false)
        then 'it is ' || own.state || case when chain.has_last then ', and its last chunk was committed'
                                           else ', and its last chunk was not committed' end
      when own.cursor is distinct from chain.cursor
        then 'its cursor is ' || coalesce(own.cursor, 'none') || ', its chunks end at ' || coalesce(chain.cursor, 'none')
      when (own.rows_read, own.rows_written, own.rows_filtered, own.rows_rejected, own.content_hash)
           <> (coalesce(chain.rows_read, 0), coalesce(chain.rows_written, 0), coalesce(chain.rows_filtered, 0),
               coalesce(chain.rows_rejected, 0), coalesce(chain.content_hash, 0))
        then 'its counts and hash are not the sums of its chunks'
      end as what
      from own left join chain using (partition_id))
  select partition_id, what from judged where what is not null order by index limit ${mostNamed}`
