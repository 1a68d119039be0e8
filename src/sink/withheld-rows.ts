// Partitions that are kept from workers which do not obey: the row says that nobody has it for a topic partition that there
// is none of, so no redelivery may take it over, and that its lease lasts. It ends by itself when it is not renewed.
import type { RunId, WorkerId } from '../contract/ids.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import { nobody } from './checkpoint-row.ts'
import { pastFrozenHolders } from './frozen-holder.ts'

export interface WithheldRows {
  withhold(pool: Pool, runId: RunId, workers: readonly WorkerId[], forMs: number): Promise<number>
  release(pool: Pool, runId: RunId): Promise<void>
}

const noTopicPartition = -1

export function withheldRows(schema: string, leaseMs: number): WithheldRows {
  const checkpoint = `${quoteIdentifier(schema)}.checkpoint`
  // The locks in the order in which claims and cancels take them.
  const withholdSql = `
    with found as materialized (
      select partition_id, held_for <> ${noTopicPartition} as is_taken from ${checkpoint}
       where run_id = $1 and state = 'running' and (held_for = ${noTopicPartition} or holder = any ($2))
       order by partition_id for update
    ), withheld as (
      update ${checkpoint} c
         set epoch = c.epoch + is_taken::int, holder = '${nobody}', held_for = ${noTopicPartition},
             lease_until = clock_timestamp() + $3 * interval '1 millisecond', updated_at = clock_timestamp()
        from found where c.partition_id = found.partition_id returning is_taken)
    select count(*) filter (where is_taken)::int as taken from withheld`
  const releaseSql = `
    update ${checkpoint} set lease_until = clock_timestamp() - interval '1 millisecond'
     where run_id = $1 and state = 'running' and held_for = ${noTopicPartition}`
  return {
    withhold: async (pool, runId, workers, forMs) => {
      // Behind a chunk in progress the statement waits, and then sees what became of it.
      const { rows } = await pastFrozenHolders(pool, leaseMs, (client) =>
        client.query<{ taken: number }>(withholdSql, [runId, workers, forMs]),
      )
      return rows[0]?.taken ?? 0
    },
    release: async (pool, runId) => {
      await query(pool, releaseSql, [runId])
    },
  }
}
