// The partition's checkpoint row, the one place where the effect is decided. Every statement here names the hold it
// speaks for and changes nothing when that hold is over. Times are the database's own; leases never meet this clock.
import type { Checkpoint } from '../contract/checkpoint.ts'
import { FencedError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import { KeyKind, type KeyRange } from '../contract/range.ts'
import { isTerminalPartition, PartitionState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Client, type Pool, query } from '../postgres/pool.ts'
import { pastFrozenHolders } from './frozen-holder.ts'
import type { Chunk, Claim, Failure, Holding, PlannedHolding, Rejections, StoredCheckpoint } from './sink.ts'

/** A checkpoint and the bounds of its row. */
export interface Held {
  readonly checkpoint: Checkpoint
  readonly range: KeyRange
}

export interface CheckpointRows {
  claim(pool: Pool, holding: Holding): Promise<Claim>
  /**
   * First statement of a chunk's transaction: moves the row on if this hold is still the current one, and writes the
   * chunk's and the rejected rows' records with it. Throws FencedError when nothing was changed.
   */
  advance(client: Client, chunk: Chunk): Promise<Held>
  /** Throws FencedError unless this hold is the current one; locks nothing, for what follows is rolled back. */
  requireHold(client: Client, chunk: Pick<Chunk, 'holding' | 'before' | 'to'>): Promise<KeyRange>
  fail(pool: Pool, holding: Holding, before: Checkpoint, failure: Failure): Promise<StoredCheckpoint>
  rejections(pool: Pool, runId: RunId): Promise<Rejections>
  wantSplit(pool: Pool, holding: Holding): Promise<void>
  renew(pool: Pool, holding: Holding, epoch: number): Promise<boolean>
  cancel(pool: Pool, partitions: readonly PlannedHolding[]): Promise<readonly StoredCheckpoint[]>
  list(pool: Pool, runId: RunId): Promise<readonly StoredCheckpoint[]>
}

export function checkpointRows(schema: string, leaseMs: number): CheckpointRows {
  const at = quoteIdentifier(schema)
  const lease = `clock_timestamp() + ${leaseMs} * interval '1 millisecond'`
  const claimSql = `
    insert into ${at}.checkpoint as c
      (partition_id, run_id, backfill, index, kind, "from", "to", epoch, state, holder, held_for, lease_until)
    values ($1, $2, $3, $4, $5, $6, $7, 1, 'running', $8, $9, ${lease})
    on conflict (partition_id) do update
       set epoch = c.epoch + 1, state = 'running', holder = excluded.holder, held_for = excluded.held_for,
           lease_until = ${lease}, updated_at = clock_timestamp()
     where c.state = 'pending'
        or (c.state = 'running' and (c.lease_until < clock_timestamp() or c.held_for = excluded.held_for))
    returning ${checkpointColumns}`
  const readSql = `
    select ${checkpointColumns}, ${holderColumns},
           ceil(extract(epoch from lease_until - clock_timestamp()) * 1000)::int as lease_ends_in_ms
      from ${at}.checkpoint where partition_id = $1`
  const advanceSql = `
    with advanced as (
      update ${at}.checkpoint
         set cursor = $6, sequence = sequence + 1,
             state = case when $7 then 'completed' else state end,
             rows_read = rows_read + $8, rows_written = rows_written + $9,
             rows_filtered = rows_filtered + $10, rows_rejected = rows_rejected + $11,
             content_hash = content_hash + $12::numeric,
             lease_until = ${lease}, updated_at = clock_timestamp()
       where partition_id = $1 and epoch = $2 and sequence = $3 and cursor is not distinct from $4 and "to" = $5
         and state = 'running'
      returning *
    ), recorded as (
      insert into ${at}.chunk (partition_id, epoch, sequence, after_cursor, through_cursor, last,
                               rows_read, rows_written, rows_filtered, rows_rejected, content_hash)
      select partition_id, epoch, sequence, $4, cursor, $7, $8, $9, $10, $11, $12::numeric from advanced
    ), kept as (
      insert into ${at}.rejected_row (partition_id, sequence, ordinal, position, reason, row)
      select partition_id, sequence, r.ordinal, r.position, r.reason, r.row
        from advanced, unnest($13::text[], $14::text[], $15::text[]) with ordinality as r(position, reason, row, ordinal)
    )
    select ${checkpointColumns} from advanced`
  const failSql = `
    update ${at}.checkpoint
       set state = 'failed', reason = $5, message = $6, attempts = $7, sample = $8, updated_at = clock_timestamp()
     where partition_id = $1 and epoch = $2 and sequence = $3 and cursor is not distinct from $4 and state = 'running'
    returning ${checkpointColumns}, ${holderColumns}`
  const holdSql = `
    select ${checkpointColumns} from ${at}.checkpoint
     where partition_id = $1 and epoch = $2 and sequence = $3 and cursor is not distinct from $4 and "to" = $5
       and state = 'running'`
  const rejectionsSql = `
    select coalesce(sum(rows_read), 0) as rows_read, coalesce(sum(rows_rejected), 0) as rows_rejected
      from ${at}.checkpoint where run_id = $1`
  const splitSql = `
    update ${at}.checkpoint set split_wanted = true where partition_id = $1 and holder = $2 and state = 'running'`
  // Sorted, or two that cancel the same partitions could lock each other out.
  const cancelSql = `
    insert into ${at}.checkpoint as c
      (partition_id, run_id, backfill, index, kind, "from", "to", epoch, state, holder, held_for, lease_until)
    select *, 0, 'cancelled', '${nobody}', 0, clock_timestamp()
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[])
        as planned(partition_id, run_id, backfill, index, kind, "from", "to")
     order by partition_id
    on conflict (partition_id) do update set state = 'cancelled', updated_at = clock_timestamp()
     where c.state in ('pending', 'running')`
  const listSql = `select ${checkpointColumns}, ${holderColumns} from ${at}.checkpoint`
  // Also true when this hold's own last chunk completed the partition while the statement waited for it.
  const renewSql = `
    update ${at}.checkpoint set lease_until = ${lease}, updated_at = clock_timestamp()
     where partition_id = $1 and epoch = $2 and state in ('running', 'completed')`

  return {
    async claim(pool, holding) {
      // Behind a transaction in doubt the statement waits, and then sees what became of it.
      const { partitionId, runId, backfill, index, range, worker, topicPartition } = holding
      const values = [partitionId, runId, backfill, index, range.kind, range.from, range.to, worker, topicPartition]
      const claimed = await pastFrozenHolders(pool, leaseMs, (client) =>
        client.query<CheckpointRecord>(claimSql, values),
      )
      if (claimed.rows[0] !== undefined) return { kind: 'claimed', ...heldOf(claimed.rows[0]) }
      const found = await query<HeldRecord>(pool, readSql, [holding.partitionId])
      const row = found.rows[0]
      // Gone between the two statements, or free by now: the next try finds out.
      if (row === undefined) return { kind: 'held', holder: nobody, leaseEndsInMs: 0 }
      const { checkpoint, range: rowRange } = heldOf(row)
      if (isTerminalPartition(checkpoint.state)) return { kind: 'finished', checkpoint: storedOf(row), range: rowRange }
      return { kind: 'held', holder: row.holder, leaseEndsInMs: Math.max(0, row.lease_ends_in_ms) }
    },

    async advance(client, { holding, before, to, cursor, last, added, rejected }) {
      const advanced = await client.query<CheckpointRecord>({
        name: `tidemark-advance-${schema}-${leaseMs}`,
        text: advanceSql,
        values: [
          holding.partitionId,
          before.epoch,
          before.sequence,
          before.cursor,
          to,
          cursor,
          last,
          added.rowsRead,
          added.rowsWritten,
          added.rowsFiltered,
          added.rowsRejected,
          added.contentHash,
          rejected.map(({ position }) => storable(position)),
          rejected.map(({ reason }) => storable(reason)),
          rejected.map(({ row }) => storable(row)),
        ],
      })
      if (advanced.rows[0] === undefined) throw fenced(before)
      return heldOf(advanced.rows[0])
    },

    async requireHold(client, { holding, before, to }) {
      const values = [holding.partitionId, before.epoch, before.sequence, before.cursor, to]
      const [row] = (await client.query<CheckpointRecord>(holdSql, values)).rows
      if (row === undefined) throw fenced(before)
      return heldOf(row).range
    },

    async fail(pool, holding, before, { reason, message, attempts, sample }) {
      const values = [
        holding.partitionId,
        before.epoch,
        before.sequence,
        before.cursor,
        storable(reason),
        storable(message),
        attempts,
        sample.map(storable),
      ]
      const failed = await query<CheckpointRecord & HolderRecord>(pool, failSql, values)
      if (failed.rows[0] === undefined) throw fenced(before)
      return storedOf(failed.rows[0])
    },

    async rejections(pool, runId) {
      const { rows } = await query<{ rows_read: string; rows_rejected: string }>(pool, rejectionsSql, [runId])
      return { rowsRead: Number(rows[0]?.rows_read ?? 0), rowsRejected: Number(rows[0]?.rows_rejected ?? 0) }
    },

    async wantSplit(pool, { partitionId, worker }) {
      await query(pool, splitSql, [partitionId, worker])
    },

    async renew(pool, holding, epoch) {
      const renewed = await query(pool, renewSql, [holding.partitionId, epoch])
      return renewed.rowCount === 1
    },

    async cancel(pool, partitions) {
      const columns = [
        partitions.map(({ partitionId }) => partitionId),
        partitions.map(({ runId }) => runId),
        partitions.map(({ backfill }) => backfill),
        partitions.map(({ index }) => index),
        partitions.map(({ range }) => range.kind),
        partitions.map(({ range }) => range.from),
        partitions.map(({ range }) => range.to),
      ]
      // Behind a chunk in progress the statement waits, and then sees what became of it.
      await pastFrozenHolders(pool, leaseMs, (client) => client.query(cancelSql, columns))
      const found = await query<CheckpointRecord & HolderRecord>(
        pool,
        `${listSql} where partition_id = any ($1::uuid[]) order by partition_id`,
        [columns[0]],
      )
      return found.rows.map(storedOf)
    },

    async list(pool, runId) {
      const found = await query<CheckpointRecord & HolderRecord>(
        pool,
        `${listSql} where run_id = $1 order by partition_id`,
        [runId],
      )
      return found.rows.map(storedOf)
    },
  }
}

export const checkpointColumns = `partition_id, epoch, sequence, cursor, state, kind, "from", "to",
  rows_read, rows_written, rows_filtered, rows_rejected, content_hash`

const holderColumns = 'holder, held_for, reason, message, attempts, sample'

interface HolderRecord {
  readonly holder: string
  readonly held_for: number
  readonly reason: string | null
  readonly message: string | null
  readonly attempts: number | null
  readonly sample: readonly string[] | null
}

/** int8 and numeric arrive as text. */
export interface CheckpointRecord {
  readonly partition_id: string
  readonly epoch: string
  readonly sequence: string
  readonly cursor: string | null
  readonly state: string
  readonly kind: string
  readonly from: string
  readonly to: string
  readonly rows_read: string
  readonly rows_written: string
  readonly rows_filtered: string
  readonly rows_rejected: string
  readonly content_hash: string
}

interface HeldRecord extends CheckpointRecord, HolderRecord {
  readonly lease_ends_in_ms: number
}

export function heldOf(row: CheckpointRecord): Held {
  const sequence = Number(row.sequence)
  return {
    checkpoint: {
      partitionId: row.partition_id,
      epoch: Number(row.epoch),
      sequence,
      cursor: row.cursor,
      state: PartitionState.parse(row.state),
      totals: {
        rowsRead: Number(row.rows_read),
        rowsWritten: Number(row.rows_written),
        rowsFiltered: Number(row.rows_filtered),
        rowsRejected: Number(row.rows_rejected),
        chunks: sequence,
        contentHash: row.content_hash,
      },
    },
    range: { kind: KeyKind.parse(row.kind), from: row.from, to: row.to },
  }
}

function storedOf(row: CheckpointRecord & HolderRecord): StoredCheckpoint {
  return {
    ...heldOf(row).checkpoint,
    ...(row.holder === nobody ? {} : { worker: row.holder, topicPartition: row.held_for }),
    ...(row.reason === null ? {} : { failure: failureOf(row, row.reason) }),
  }
}

const failureOf = ({ message, attempts, sample }: HolderRecord, reason: string): Failure => ({
  reason,
  message: message ?? reason,
  attempts: attempts ?? 0,
  sample: sample ?? [],
})

/** Holder of a partition that was cancelled before anybody claimed it, or that is kept from workers. */
export const nobody = 'nobody'

export const fenced = ({ partitionId, epoch, sequence }: Checkpoint): FencedError =>
  new FencedError(
    `partition ${partitionId} has moved on from epoch ${epoch}, sequence ${sequence}: nothing was changed`,
  )

/** Postgres holds no NUL in text. */
const storable = (text: string): string => text.replaceAll('\0', '\\0')
