import type { PartitionId } from '../contract/ids.ts'
import { arrayParameter } from '../postgres/array-parameter.ts'
import type { Client } from '../postgres/pool.ts'
import { storedInstant } from './instant-text.ts'
import type { PartitionChanges, StoredPartition } from './partition-changes.ts'
import { heardTable, partitionTable, runTable, shareTable } from './partition-tables.ts'
import type { HoldRecord } from './record/hold-record.ts'
import { bySchema, insert, parametersOf, selected, statementName, type Table, update, upsert } from './table.ts'

export interface StoredPartitions {
  readonly partitions: ReadonlyMap<PartitionId, StoredPartition>
  /** Those whose facts are packed. */
  readonly packed: readonly StoredPartition[]
}

/** What is stored of these partitions. `schema` is quoted. */
export async function readPartitions(
  client: Client,
  schema: string,
  ids: readonly PartitionId[],
): Promise<StoredPartitions> {
  const { rows } = await client.query<Stored>({
    name: statementName('read partitions', schema),
    text: readStatement(schema),
    values: [arrayParameter('partition_id', 'uuid', ids)],
  })
  const partitions = rows.map(partitionOf)
  return {
    partitions: new Map(partitions.map((partition) => [partition.partitionId, partition])),
    packed: partitions.filter((_, at) => rows[at]?.packed === true),
  }
}

/** Writes the rows as they are to be, and adds to the sums, in one statement. */
export async function writeChanges(
  client: Client,
  schema: string,
  topicPartition: number,
  { added, changed, runs, shares, heard }: PartitionChanges,
): Promise<void> {
  const sliced = <Delta>(delta: Delta): Delta & { topicPartition: number } => ({ ...delta, topicPartition })
  await client.query({
    name: statementName('write partitions', schema),
    text: writeStatement(schema),
    values: [
      ...parametersOf(partitionTable, added),
      ...parametersOf(partitionTable, changed),
      ...parametersOf(runTable, runs.map(sliced)),
      ...parametersOf(shareTable, shares.map(sliced)),
      ...parametersOf(heardTable, heard.map(sliced)),
    ],
  })
}

const readStatement = bySchema(
  (schema) =>
    `select ${selected(partitionTable)}, packed from ${schema}.ledger_partition where partition_id = any ($1::uuid[])`,
)

const writeStatement = bySchema((schema) => {
  let first = 1
  const part = (table: Table<never>, write: (schema: string, table: Table<never>, first: number) => string): string => {
    const text = write(schema, table, first)
    first += table.columns.length
    return text
  }
  return `with added as (${part(partitionTable, insert)}), changed as (${part(partitionTable, update)}),
    run as (${part(runTable, upsert)}), share as (${part(shareTable, upsert)}), heard as (${part(heardTable, upsert)}) select`
})

/** Every column as text, or null, but for these. */
type Stored = Readonly<Record<string, string | null>> & {
  readonly holds: readonly HoldRecord[]
  readonly packed: boolean
}

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
    holds: row.holds,
  }
}

function text(row: Stored, column: string): string {
  const value = row[column]
  if (value === null || value === undefined) throw new TypeError(`the ledger has a row without ${column}`)
  return value
}
const number = (row: Stored, column: string): number => Number(text(row, column))
const instant = (row: Stored, column: string): string => storedInstant(text(row, column))
