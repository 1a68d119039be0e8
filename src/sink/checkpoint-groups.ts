// Checkpoint rows of many partitions in one statement: the same conditions and changes as in checkpoint-row.ts, row by
// row, so that a task with little to do costs little. A row that is not changed here is looked at alone.
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, withTransaction } from '../postgres/pool.ts'
import { type CheckpointRecord, checkpointColumns, type Held, heldOf } from './checkpoint-row.ts'
import type { Chunk, Holding } from './sink.ts'

export interface CheckpointGroups {
  /** What was claimed, by partition. Gives up, claiming nothing, when a row is locked: that wait is for one partition. */
  claim(pool: Pool, holdings: readonly Holding[]): Promise<ReadonlyMap<string, Held>>
  /** First statement of a transaction: moves on the rows whose holds are current, by partition. For chunks without rejected rows. */
  advance(client: Client, chunks: readonly Chunk[]): Promise<ReadonlyMap<string, Held>>
}

const lockTimeoutMs = 200

export function checkpointGroups(schema: string, leaseMs: number): CheckpointGroups {
  const at = quoteIdentifier(schema)
  const lease = `clock_timestamp() + ${leaseMs} * interval '1 millisecond'`
  // Both take the rows' locks in one order, or two workers could lock each other out.
  const claimSql = `
    insert into ${at}.checkpoint as c
      (partition_id, run_id, backfill, index, kind, "from", "to", epoch, state, holder, held_for, lease_until)
    select a.*, 1, 'running', $8, held_for, ${lease}
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[])
             as a(partition_id, run_id, backfill, index, kind, "from", "to")
      join unnest($1::uuid[], $9::int[]) as h(partition_id, held_for) using (partition_id)
     order by partition_id
    on conflict (partition_id) do update
       set epoch = c.epoch + 1, state = 'running', holder = excluded.holder, held_for = excluded.held_for,
           lease_until = ${lease}, updated_at = clock_timestamp()
     where c.state = 'pending'
        or (c.state = 'running' and (c.lease_until < clock_timestamp() or c.held_for = excluded.held_for))
    returning ${checkpointColumns}`
  const advanceSql = `
    with asked as (
      select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bool[],
                           $8::bigint[], $9::bigint[], $10::bigint[], $11::numeric[])
        as a(partition_id, epoch, sequence, before, "to", through, last, rows_read, rows_written, rows_filtered, content_hash)
    ), locked as materialized (
      select c.partition_id from ${at}.checkpoint c join asked using (partition_id) order by 1 for update of c
    ), advanced as (
      update ${at}.checkpoint as c
         set cursor = a.through, sequence = c.sequence + 1, state = case when a.last then 'completed' else c.state end,
             rows_read = c.rows_read + a.rows_read, rows_written = c.rows_written + a.rows_written,
             rows_filtered = c.rows_filtered + a.rows_filtered, content_hash = c.content_hash + a.content_hash,
             lease_until = ${lease}, updated_at = clock_timestamp()
        from asked a join locked using (partition_id)
       where c.partition_id = a.partition_id and c.epoch = a.epoch and c.sequence = a.sequence
         and c.cursor is not distinct from a.before and c."to" = a."to" and c.state = 'running'
      returning c.*
    ), recorded as (
      insert into ${at}.chunk (partition_id, epoch, sequence, after_cursor, through_cursor, last,
                               rows_read, rows_written, rows_filtered, rows_rejected, content_hash)
      select partition_id, c.epoch, c.sequence, a.before, c.cursor, a.last,
             a.rows_read, a.rows_written, a.rows_filtered, 0, a.content_hash
        from advanced c join asked a using (partition_id)
    )
    select ${checkpointColumns} from advanced`

  const byPartition = (rows: readonly CheckpointRecord[]): Map<string, Held> =>
    new Map(rows.map((row) => [row.partition_id, heldOf(row)]))

  return {
    claim: (pool, holdings) =>
      withTransaction(pool, async (client) => {
        await client.query(`set local lock_timeout = ${lockTimeoutMs}`)
        const [first] = holdings
        const claimed = await client.query<CheckpointRecord>({
          name: `tidemark-claims-${schema}-${leaseMs}`,
          text: claimSql,
          values: [
            holdings.map(({ partitionId }) => partitionId),
            holdings.map(({ runId }) => runId),
            holdings.map(({ backfill }) => backfill),
            holdings.map(({ index }) => index),
            holdings.map(({ range }) => range.kind),
            holdings.map(({ range }) => range.from),
            holdings.map(({ range }) => range.to),
            first?.worker,
            holdings.map(({ topicPartition }) => topicPartition),
          ],
        })
        return byPartition(claimed.rows)
      }),

    advance: async (client, chunks) => {
      const advanced = await client.query<CheckpointRecord>({
        name: `tidemark-advances-${schema}-${leaseMs}`,
        text: advanceSql,
        values: [
          chunks.map(({ holding }) => holding.partitionId),
          chunks.map(({ before }) => before.epoch),
          chunks.map(({ before }) => before.sequence),
          chunks.map(({ before }) => before.cursor),
          chunks.map(({ to }) => to),
          chunks.map(({ cursor }) => cursor),
          chunks.map(({ last }) => last),
          chunks.map(({ added }) => added.rowsRead),
          chunks.map(({ added }) => added.rowsWritten),
          chunks.map(({ added }) => added.rowsFiltered),
          chunks.map(({ added }) => added.contentHash),
        ],
      })
      return byPartition(advanced.rows)
    },
  }
}
