import type { PartitionId, RunId } from '../contract/ids.ts'
import { arrayParameter } from '../postgres/array-parameter.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, query } from '../postgres/pool.ts'

/** Their history may be packed. `schema` is quoted. */
export async function recordArchived(client: Client, schema: string, runs: readonly RunId[]): Promise<void> {
  await client.query(
    `insert into ${schema}.ledger_archive (run_id) select * from unnest($1::uuid[]) on conflict (run_id) do nothing`,
    [arrayParameter('run_id', 'uuid', runs)],
  )
}

/** A run of which not all that can be packed is. */
export interface OpenArchive {
  readonly runId: RunId
  /** What `closeArchive` is to be told once it is. */
  readonly wanted: string
}

/**
 * Archived runs whose record is whole: every partition of their plan has ended in it. So all topic partitions are known in
 * which something of them can still be told again.
 */
export async function openArchives(pool: Pool, schema: string): Promise<readonly OpenArchive[]> {
  const s = quoteIdentifier(schema)
  const { rows } = await query<{ run_id: RunId; wanted: string }>(
    pool,
    `select a.run_id, a.wanted from ${s}.ledger_archive a
       join ${s}.ledger_run r using (run_id)
      cross join lateral (
        select coalesce(sum(running), 0) as running, coalesce(sum(completed + failed + cancelled), 0) as ended
          from ${s}.ledger_run_slice where run_id = a.run_id) t
      where a.done < a.wanted and t.running = 0 and t.ended >= r.partitions
      order by a.run_id limit 100`,
  )
  return rows.map(({ run_id: runId, wanted }) => ({ runId, wanted }))
}

/** Nothing of the run is to be packed, unless that was wanted again meanwhile. */
export async function closeArchive(pool: Pool, schema: string, { runId, wanted }: OpenArchive): Promise<void> {
  await query(
    pool,
    `update ${quoteIdentifier(schema)}.ledger_archive set done = greatest(done, $2) where run_id = $1`,
    [runId, wanted],
  )
}

/** A partition whose facts have a row each. */
export interface UnpackedPartition {
  readonly partitionId: PartitionId
  readonly state: string
  readonly index: string
  readonly chunks: string
}

/** The next ones of a run, in the order of an index. */
export async function unpackedPartitions(
  pool: Pool,
  schema: string,
  runId: RunId,
  after: Pick<UnpackedPartition, 'state' | 'index'> | null,
  { atMost, mostChunks }: { readonly atMost: number; readonly mostChunks: number },
): Promise<readonly UnpackedPartition[]> {
  const { rows } = await query<{ partition_id: PartitionId; state: string; index: string; chunks: string }>(
    pool,
    `select partition_id, state, index, chunks from ${quoteIdentifier(schema)}.ledger_partition
      where run_id = $1 and (state, index) > ($2, $3) and state <> 'running' and not packed and chunks <= $4
      order by state, index limit $5`,
    [runId, after?.state ?? '', after?.index ?? -1, mostChunks, atMost],
  )
  return rows.map(({ partition_id: partitionId, ...rest }) => ({ partitionId, ...rest }))
}

/** The topic partitions of the status topic in which something of the run was told. */
export async function toldIn(pool: Pool, schema: string, runId: RunId): Promise<readonly number[]> {
  const { rows } = await query<{ topic_partition: string }>(
    pool,
    `select topic_partition from ${quoteIdentifier(schema)}.ledger_run_slice where run_id = $1 order by topic_partition`,
    [runId],
  )
  return rows.map((row) => Number(row.topic_partition))
}
