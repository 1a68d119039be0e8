// All that the parts of a system say of what they did, read when everything is quiet. The invariants compare these.
import { z } from 'zod'
import { StatusEvent } from '../../src/contract/status.ts'
import type { KnownTasks } from './observer.ts'
import { type World } from './small-world.ts'

export interface CheckpointFact {
  readonly partitionId: string
  readonly runId: string
  readonly from: bigint
  readonly to: bigint
  readonly epoch: number
  readonly sequence: number
  readonly cursor: string | null
  readonly state: string
  readonly counts: Counts
}

export interface Counts {
  readonly read: number
  readonly written: number
  readonly filtered: number
  readonly rejected: number
  readonly hash: string
}

export interface ChunkFact {
  readonly partitionId: string
  readonly epoch: number
  readonly sequence: number
  readonly after: string | null
  readonly through: string | null
  readonly last: boolean
  readonly counts: Counts
}

export interface AuditFact {
  readonly what: 'INSERT' | 'UPDATE' | 'CHUNK'
  readonly partitionId: string
  readonly epoch: number
  readonly sequence: number
  readonly cursor: string | null
  readonly state: string
  /** The worker that has the partition; of chunks empty. */
  readonly holder: string
  readonly atMs: number
}

export interface PlannedFact {
  readonly partitionId: string
  readonly runId: string
  readonly index: number
  readonly from: bigint
  readonly to: bigint
}

export interface RunFact {
  readonly runId: string
  readonly requestKey: string
  readonly backfill: string
  readonly state: string
  readonly partitions: number
  readonly ledgerState: string | null
}

export interface SinkFact {
  readonly backfill: string
  readonly rows: number
  readonly lost: number
  readonly doubled: number
  readonly foreign: number
}

/** From the last acknowledgement of a pause to the request to resume. */
export interface PauseFact {
  readonly fromMs: number
  readonly toMs: number
  /** What was committed when it began and when it ended. */
  readonly chunks: readonly [number, number]
}

export interface Facts {
  readonly world: World
  readonly runs: readonly RunFact[]
  readonly plan: readonly PlannedFact[]
  readonly checkpoints: readonly CheckpointFact[]
  readonly chunks: readonly ChunkFact[]
  /** In the order of their happening, by partition. */
  readonly audit: readonly AuditFact[]
  readonly sinks: readonly SinkFact[]
  /** What stands in the sink of each partition's range, counted and hashed by Postgres. */
  readonly stored: ReadonlyMap<string, { readonly rows: number; readonly hash: string }>
  readonly rejected: ReadonlyMap<string, number>
  readonly ledger: ReadonlyMap<string, CheckpointFact>
  readonly events: readonly StatusEvent[]
  readonly tasks: KnownTasks
  readonly committed: readonly { readonly topicPartition: number; readonly offset: bigint; readonly metadata: string }[]
  /** Violations seen while the system ran. */
  readonly seen: ReadonlyMap<string, readonly string[]>
  readonly rowsRead: number
  /** Rows that may be read again: a chunk for each task that ran where something died or was lost. */
  readonly rowsReadAgainLimit: number
  /** From the end of the faults to the end of the last run and back to quiet, and how long it may take. */
  readonly endedInMs: number
  /** When that was, by the clock of this machine. */
  readonly endedAtMs: number
  readonly endLimitMs: number
  /** How every run must end. */
  readonly wanted: 'completed' | 'cancelled'
  readonly pauses: readonly PauseFact[]
  /** Processes that ended although nothing was done to them that may end one. */
  readonly fallen: readonly string[]
  /** The sink went back to an older state: for a while offsets and ledger were ahead of it, as they must never be else. */
  readonly wentBack: boolean
}

const count = z.coerce.number()
const countsOf = z
  .object({
    rows_read: count,
    rows_written: count,
    rows_filtered: count,
    rows_rejected: count,
    content_hash: z.string(),
  })
  .transform(
    (row): Counts => ({
      read: row.rows_read,
      written: row.rows_written,
      filtered: row.rows_filtered,
      rejected: row.rows_rejected,
      hash: row.content_hash,
    }),
  )
const Checkpoint = z
  .object({
    partition_id: z.string(),
    run_id: z.string(),
    from: z.coerce.bigint(),
    to: z.coerce.bigint(),
    epoch: count,
    sequence: count,
    cursor: z.string().nullable(),
    state: z.string(),
  })
  .loose()
  .transform(
    (row): CheckpointFact => ({
      ...{ partitionId: row.partition_id, runId: row.run_id, from: row.from, to: row.to },
      ...{ epoch: row.epoch, sequence: row.sequence, cursor: row.cursor, state: row.state },
      counts: countsOf.parse(row),
    }),
  )
const Chunk = z
  .object({
    partition_id: z.string(),
    epoch: count,
    sequence: count,
    after_cursor: z.string().nullable(),
    through_cursor: z.string().nullable(),
    last: z.boolean(),
  })
  .loose()
  .transform(
    (row): ChunkFact => ({
      ...{ partitionId: row.partition_id, epoch: row.epoch, sequence: row.sequence },
      ...{ after: row.after_cursor, through: row.through_cursor, last: row.last, counts: countsOf.parse(row) },
    }),
  )
const Audit = z
  .object({
    what: z.enum(['INSERT', 'UPDATE', 'CHUNK']),
    partition_id: z.string(),
    epoch: count,
    sequence: count,
    cursor: z.string().nullable(),
    state: z.string(),
    holder: z.string(),
    at: z.date(),
  })
  .transform(({ partition_id: partitionId, at, ...row }): AuditFact => ({ partitionId, atMs: at.getTime(), ...row }))
const Planned = z
  .object({
    partition_id: z.string(),
    run_id: z.string(),
    index: count,
    from: z.coerce.bigint(),
    to: z.coerce.bigint(),
  })
  .transform(({ partition_id: partitionId, run_id: runId, ...row }): PlannedFact => ({ partitionId, runId, ...row }))
const Run = z
  .object({
    ...{ id: z.string(), request_key: z.string(), backfill: z.string(), state: z.string(), partitions: count },
    ledger_state: z.string().nullable(),
  })
  .transform(
    ({ id, request_key, ledger_state, ...row }): RunFact => ({
      ...{ runId: id, requestKey: request_key, ledgerState: ledger_state },
      ...row,
    }),
  )

type FromTables = Pick<
  Facts,
  'runs' | 'plan' | 'checkpoints' | 'chunks' | 'audit' | 'sinks' | 'stored' | 'rejected' | 'ledger'
>

/** What the tables say. */
export async function readTables(world: World): Promise<FromTables> {
  const { sql } = world
  const [runs, plan, checkpoints, chunks, audit, ledger, rejected] = await Promise.all([
    sql(`select r.*, l.state as ledger_state from :schema.run r left join :schema.ledger_run l on l.run_id = r.id`),
    sql(`select * from :schema.partition order by run_id, index`),
    sql(`select * from :schema.checkpoint`),
    sql(`select * from :schema.chunk order by partition_id, sequence`),
    sql(`select * from :schema.audit order by partition_id, n`),
    sql(`select l.*, p."from", p."to" from :schema.ledger_partition l join :schema.partition p using (partition_id)`),
    sql<{ partition_id: string; rows: string }>(
      `select partition_id, count(*) as rows from :schema.rejected_row group by 1`,
    ),
  ])
  const sinks: SinkFact[] = []
  const stored = new Map<string, { rows: number; hash: string }>()
  for (const { id, table, expected } of world.backfills) {
    const [found] = await sql<Record<'rows' | 'lost' | 'doubled' | 'foreign', string>>(
      `select (select count(*) from ${table}) as rows,
              (select count(*) from (${expected} except select id, amount, name from ${table}) as l) as lost,
              (select count(*) - count(distinct id) from ${table}) as doubled,
              (select count(*) from (select id, amount, name from ${table} except ${expected}) as f) as foreign`,
    )
    sinks.push({
      backfill: id,
      rows: Number(found?.rows),
      lost: Number(found?.lost),
      doubled: Number(found?.doubled),
      foreign: Number(found?.foreign),
    })
    const sums = await sql<{ partition_id: string; rows: string; hash: string }>(
      `select p.partition_id, count(s.id) as rows,
              coalesce(sum(hash_record_extended(row(s.id, s.amount, s.name), 0)::numeric) filter (where s.id is not null), 0) as hash
         from :schema.partition p join :schema.run r on r.id = p.run_id and r.backfill = $1
         left join ${table} s on s.id >= p."from"::bigint and s.id < p."to"::bigint
        group by 1`,
      [id],
    )
    for (const sum of sums) stored.set(sum.partition_id, { rows: Number(sum.rows), hash: sum.hash })
  }
  return {
    runs: z.array(Run).parse(runs),
    plan: z.array(Planned).parse(plan),
    checkpoints: z.array(Checkpoint).parse(checkpoints),
    chunks: z.array(Chunk).parse(chunks),
    audit: z.array(Audit).parse(audit),
    ...{ sinks, stored },
    rejected: new Map(rejected.map((row) => [row.partition_id, Number(row.rows)])),
    ledger: new Map(
      z
        .array(Checkpoint)
        .parse(ledger)
        .map((row) => [row.partitionId, row]),
    ),
  }
}
