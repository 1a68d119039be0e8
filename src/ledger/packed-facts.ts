import type { PartitionId, RunId } from '../contract/ids.ts'
import { partitionEventRank } from '../contract/status.ts'
import { arrayParameter } from '../postgres/array-parameter.ts'
import type { Client } from '../postgres/pool.ts'

/** What a packed fact has besides the id of its partition, and the type of each. */
const fields = {
  ...{ event_id: 'uuid', type: 'text', at: 'timestamptz', run_id: 'uuid', event: 'json' },
  ...{ topic_partition: 'bigint', record_offset: 'bigint' },
} as const

const names = Object.keys(fields).join(', ')
const asObject = Object.keys(fields)
  .map((name) => `'${name}', e.${name}`)
  .join(', ')
const asColumns = Object.entries(fields)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')

/** Those of its life, which are the many: only a partition that is recorded can say that they are packed. */
const types = Object.keys(partitionEventRank)

/**
 * Puts the facts of each of these partitions into one row; how many facts that were. Nobody may record facts of their topic
 * partitions meanwhile (`holdTopicPartition`). `schema` is quoted.
 */
export async function packFacts(client: Client, schema: string, ids: readonly PartitionId[]): Promise<number> {
  const { rows } = await client.query<{ facts: string }>(
    `with taken as (
       delete from ${schema}.ledger_event e where e.partition_id = any ($1::uuid[]) and e.type = any ($2) returning e.*),
     packed as (
       insert into ${schema}.ledger_packed (partition_id, facts)
       select e.partition_id, json_agg(json_build_object(${asObject}) order by e.at, e.record_offset)
         from taken e group by e.partition_id returning partition_id),
     noted as (
       update ${schema}.ledger_partition p set packed = true from packed where p.partition_id = packed.partition_id)
     select count(*) as facts from taken`,
    [arrayParameter('partition_id', 'uuid', ids), types],
  )
  return Number(rows[0]?.facts ?? 0)
}

/** Puts the facts of these partitions back where each has a row of its own. As for `packFacts`. */
export async function unpackFacts(
  client: Client,
  schema: string,
  ids: readonly PartitionId[],
  runs: readonly RunId[],
): Promise<void> {
  await client.query(
    `with taken as (
       delete from ${schema}.ledger_packed where partition_id = any ($1::uuid[]) returning partition_id, facts),
     put as (
       insert into ${schema}.ledger_event (partition_id, ${names})
       select t.partition_id, f.* from taken t cross join lateral json_to_recordset(t.facts) as f (${asColumns})),
     noted as (
       update ${schema}.ledger_partition p set packed = false from taken t where p.partition_id = t.partition_id)
     update ${schema}.ledger_archive set wanted = wanted + 1 where run_id = any ($2::uuid[])`,
    [arrayParameter('partition_id', 'uuid', ids), arrayParameter('run_id', 'uuid', runs)],
  )
}
