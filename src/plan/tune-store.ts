import { z } from 'zod'
import type { RunId } from '../contract/ids.ts'
import type { TuneRequest } from '../contract/request.ts'
import { RunState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { askControl } from './ask-control.ts'
import type { TuneDecision, TunedRun } from './decide-tune.ts'
import type { ChangeEntry } from './intent-store.ts'

/** A run as it was read, and the place in its control sequence that a change must follow. */
export interface ReadTuning extends TunedRun {
  readonly backfill: string
  readonly sequence: number
}

/** All SQL of tuning; each method is one statement, so one transaction. */
export interface TuneStore {
  /** Null when there is no such run. */
  read(runId: RunId): Promise<ReadTuning | null>
  /**
   * What holds from now on, the run's control sequence + 1, the entry in the history, and the request key's claim, all
   * or nothing. False: the run is not as it was read any more.
   */
  write(
    read: ReadTuning,
    next: Extract<TuneDecision, { kind: 'accepted' }>,
    entry: ChangeEntry & { readonly request: TuneRequest },
  ): Promise<boolean>
}

export function createTuneStore(pool: Pool, schema: string): TuneStore {
  const s = quoteIdentifier(schema)
  return {
    read: async (runId) => {
      const { rows } = await askControl(
        pool,
        `select id, backfill, state, control_sequence as sequence, chunk_rows as "chunkRows", priority, weight,
                max_concurrent_partitions as "maxConcurrentPartitions", rows_per_second as "rowsPerSecond"
           from ${s}.run where id = $1`,
        [runId],
      )
      if (rows[0] === undefined) return null
      const { id, backfill, state, sequence, ...tuning } = TuningRow.parse(rows[0])
      return { id, backfill, state, sequence, tuning }
    },
    write: async (read, { tuning, changes }, { request, bodyHash, topicPartition, offset, at }) => {
      const { rowCount } = await askControl(
        pool,
        `with moved as (
           update ${s}.run set chunk_rows = $4, max_concurrent_partitions = $5, rows_per_second = $6, priority = $7,
                               weight = $8, tuned_at = $9, control_sequence = control_sequence + 1
            where id = $1 and control_sequence = $2 and state = $3 returning id, control_sequence as sequence, intent
         ), asked as (
           insert into ${s}.request (request_key, body_hash, body, run_id, topic_partition, record_offset)
           select $10, $11, $12, id, $13, $14 from moved
         )
         insert into ${s}.run_intent (run_id, sequence, request_key, type, from_intent, to_intent, from_state, to_state,
                                      requested_by, reason, at, changes)
         select id, sequence, $10, 'tune', intent, intent, $3, $3, $15, $16, $9, $17 from moved`,
        [
          ...[read.id, read.sequence, read.state],
          ...[tuning.chunkRows, tuning.maxConcurrentPartitions, tuning.rowsPerSecond, tuning.priority, tuning.weight],
          ...[at, request.requestKey, bodyHash, JSON.stringify(request), topicPartition, offset],
          ...[request.requestedBy ?? null, request.reason ?? null, JSON.stringify(changes)],
        ],
      )
      return rowCount === 1
    },
  }
}

/** bigint columns arrive as text. */
const Stored = z.coerce.number().pipe(z.int())
const StoredSetting = z.union([z.null(), Stored])

const TuningRow = z.object({
  id: z.uuid(),
  backfill: z.string(),
  state: RunState,
  sequence: Stored,
  chunkRows: StoredSetting,
  maxConcurrentPartitions: StoredSetting,
  rowsPerSecond: StoredSetting,
  priority: Stored,
  weight: Stored,
})
