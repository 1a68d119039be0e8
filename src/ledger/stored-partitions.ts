import type { PartitionId } from '../contract/ids.ts'
import { arrayParameter } from '../postgres/array-parameter.ts'
import type { Client } from '../postgres/pool.ts'
import { storedInstant } from './instant-text.ts'
import type { PartitionChanges, StoredPartition, StoredPartitions } from './partition-changes.ts'
import { heardTable, holdTable, partitionTable, runTable, shareTable } from './partition-tables.ts'
import type { HoldRecord } from './record/hold-record.ts'
import { parametersOf, selected, statementName, type Table, upsert } from './table.ts'

/** What is stored of these partitions, and of every hold on them. `schema` is quoted. */
export async function readPartitions(
  client: Client,
  schema: string,
  ids: readonly PartitionId[],
): Promise<StoredPartitions> {
  const read = async (table: Table<never>): Promise<readonly Stored[]> => {
    const { rows } = await client.query<Stored>({
      name: statementName(`read ${table.name}`, schema),
      text: `select ${selected(table)} from ${schema}.${table.name} where partition_id = any ($1::uuid[])`,
      values: [arrayParameter('partition_id', 'uuid', ids)],
    })
    return rows
  }
  const [partitions, holds] = await Promise.all([read(partitionTable), read(holdTable)])
  return {
    partitions: new Map(partitions.map(partitionOf).map((partition) => [partition.partitionId, partition])),
    holds: Map.groupBy(holds.map(holdOf), ({ partitionId }) => partitionId),
  }
}

/** Writes the rows as they are to be, and adds to the sums, in one statement. */
export async function writeChanges(
  client: Client,
  schema: string,
  topicPartition: number,
  { partitions, holds, runs, shares, heard }: PartitionChanges,
): Promise<void> {
  const sliced = <Delta>(delta: Delta): Delta & { topicPartition: number } => ({ ...delta, topicPartition })
  const parts = [
    [partitionTable, parametersOf(partitionTable, partitions)],
    [holdTable, parametersOf(holdTable, holds)],
    [runTable, parametersOf(runTable, runs.map(sliced))],
    [shareTable, parametersOf(shareTable, shares.map(sliced))],
    [heardTable, parametersOf(heardTable, heard.map(sliced))],
  ] as const
  let first = 1
  const statements = parts.map(([table, parameters]) => {
    const statement = `${table.name} as (${upsert(schema, table, first)})`
    first += parameters.length
    return statement
  })
  await client.query({
    name: statementName('write partitions', schema),
    text: `with ${statements.join(',\n')} select`,
    values: parts.flatMap(([, parameters]) => parameters),
  })
}

/** Every column as text, or null. */
type Stored = Readonly<Record<string, string | null>>

function partitionOf(row: Stored): StoredPartition {
  return {
    partitionId: text(row, 'partition_id'),
    runId: text(row, 'run_id'),
    backfill: text(row, 'backfill'),
    index: number(row, 'index'),
    epoch: number(row, 'epoch'),
    sequence: number(row, 'sequence'),
    rank: number(row, 'rank'),
    state: text(row, 'state') as StoredPartition['state'],
    stateAt: instant(row, 'state_at'),
    offset: text(row, 'record_offset'),
    cursor: row['cursor'] ?? null,
    totals: {
      rowsRead: number(row, 'rows_read'),
      rowsWritten: number(row, 'rows_written'),
      rowsFiltered: number(row, 'rows_filtered'),
      rowsRejected: number(row, 'rows_rejected'),
      chunks: number(row, 'chunks'),
      contentHash: text(row, 'content_hash'),
    },
    worker: text(row, 'worker'),
    topicPartition: number(row, 'topic_partition'),
    reason: row['reason'] ?? null,
    message: row['message'] ?? null,
    attempts: row['attempts'] === null ? null : number(row, 'attempts'),
    firstEventAt: instant(row, 'first_event_at'),
    lastEventAt: instant(row, 'last_event_at'),
    timings: {
      readMicros: number(row, 'read_micros'),
      transformMicros: number(row, 'transform_micros'),
      writeMicros: number(row, 'write_micros'),
    },
  }
}

const holdOf = (row: Stored): HoldRecord => ({
  partitionId: text(row, 'partition_id'),
  epoch: number(row, 'epoch'),
  runId: text(row, 'run_id'),
  worker: text(row, 'worker'),
  sequence: number(row, 'sequence'),
  rank: number(row, 'rank'),
  at: instant(row, 'at'),
  offset: text(row, 'record_offset'),
  from: {
    rowsRead: number(row, 'from_rows_read'),
    rowsWritten: number(row, 'from_rows_written'),
    chunks: number(row, 'from_chunks'),
  },
  to: {
    rowsRead: number(row, 'rows_read'),
    rowsWritten: number(row, 'rows_written'),
    chunks: number(row, 'chunks'),
  },
})

function text(row: Stored, column: string): string {
  const value = row[column]
  if (value === null || value === undefined) throw new TypeError(`the ledger has a row without ${column}`)
  return value
}
const number = (row: Stored, column: string): number => Number(text(row, column))
const instant = (row: Stored, column: string): string => storedInstant(text(row, column))
