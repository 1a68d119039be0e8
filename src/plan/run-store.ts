import { z } from 'zod'
import { type RequestKey, RunId, Sha256 } from '../contract/ids.ts'
import type { RetryRequest, StartRequest } from '../contract/request.ts'
import { RunTuned } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, withTransaction } from '../postgres/pool.ts'
import { StoredCount } from '../postgres/stored-values.ts'
import type { SinkTarget } from '../sink/sink.ts'
import type { Admission } from './admission.ts'
import { admitNext, lockAdmission } from './admission-store.ts'
import { askControl, controlErrors } from './ask-control.ts'
import { createEarlierRunStore, type EarlierRunStore } from './earlier-run-store.ts'
import { publishOrder } from './publish-order.ts'
import { type NewRun, partitionRow, type Run, readPartition, readRun, runColumns } from './run.ts'
import type { StoredPartition } from './task-of.ts'

/** The request that a run was accepted for, and the record it came in. */
export interface AcceptedRequest {
  readonly request: StartRequest | RetryRequest
  readonly bodyHash: Sha256
  readonly topicPartition: number
  readonly offset: string
}

export interface KnownRequest {
  readonly bodyHash: Sha256
  readonly topicPartition: number
  readonly offset: string
  readonly run: Run
  /** What a pause, resume, cancel or tune did; null for a start. */
  readonly intent: {
    readonly sequence: number
    readonly index: number | null
    /** What a tune changed. */
    readonly changes: z.infer<typeof RunTuned>['changes'] | null
  } | null
}

export interface PublishingRun extends Run {
  /** Of its published tasks, those that have ended, as far as the ledger knows. */
  readonly ended: number
  /** Of its tasks that may be open, as tuned or as its definition says; null: as many as of any run. */
  readonly mostOpen: number | null
}

/** All SQL of requests, runs and their partitions that the planner needs; each method is one statement, so one transaction. */
export interface RunStore extends EarlierRunStore {
  /** The request that holds a key, with its run. */
  knownRequest(requestKey: RequestKey): Promise<KnownRequest | null>
  liveRunOn(target: SinkTarget): Promise<Run | null>
  /**
   * Run and request in one transaction, with the decision whether it may begin: an admission, in which it is admitted or
   * waits. Null: another run has the key, or follows the run that this one is to follow, or came in of which its bounds
   * would have to take account.
   */
  accept(run: NewRun, accepted: AcceptedRequest): Promise<Admission | null>
  /** A page of the plan, which begins at `planCursor`. False: the plan is not there any more, another planner wrote on. */
  writePage(run: RunId, planCursor: number, page: readonly StoredPartition[]): Promise<boolean>
  /** Null when there is no such run. */
  runOf(run: RunId): Promise<Run | null>
  /** The run that follows this one; null: none does. */
  followerOf(run: RunId): Promise<RunId | null>
  /** Runs whose plan is not complete, those that are to begin first in front. */
  planning(): Promise<readonly Run[]>
  /** Running runs with tasks that are still to be published. */
  publishing(): Promise<readonly PublishingRun[]>
  /** Partitions by their index, in any order. */
  partitionsAt(run: RunId, indexes: readonly number[]): Promise<readonly StoredPartition[]>
  /** More of its tasks are published. False: somebody else has published meanwhile. */
  markPublished(run: RunId, from: number, to: number): Promise<boolean>
  /** Planning is done, the run begins (paused, if that is wanted). False: it was cancelled before. */
  markPlanned(run: RunId, plannedAt: Date): Promise<boolean>
  /** Gives up a run that is still being planned. False: it is not any more. */
  failPlanning(run: RunId, endedAt: Date): Promise<boolean>
  /** The end of a run stands on the status topic. */
  markEndTold(run: RunId): Promise<void>
}

export function createRunStore(pool: Pool, schema: string, liveRuns: number): RunStore {
  const in_ = (table: string): string => `${quoteIdentifier(schema)}.${table}`
  const ask = (text: string, values: unknown[]): ReturnType<typeof askControl> => askControl(pool, text, values)
  return {
    ...createEarlierRunStore(pool, schema),
    knownRequest: async (requestKey) => {
      const { rows } = await ask(
        `select q.body_hash, q.topic_partition, q.record_offset, i.sequence as intent_sequence, p.index as intent_index,
                i.changes as intent_changes,
                ${runColumns}
           from ${in_('request')} q join ${in_('run')} r on r.id = q.run_id
           left join ${in_('run_intent')} i on i.request_key = q.request_key
           left join ${in_('partition')} p on p.partition_id = i.partition_id
          where q.request_key = $1`,
        [requestKey],
      )
      const [row] = rows
      if (row === undefined) return null
      const request = RequestRow.parse(row)
      return {
        bodyHash: request.body_hash,
        topicPartition: request.topic_partition,
        offset: request.record_offset,
        run: readRun(row),
        intent:
          request.intent_sequence === null
            ? null
            : {
                sequence: request.intent_sequence,
                index: request.intent_index,
                changes: request.intent_changes,
              },
      }
    },
    liveRunOn: async (target) => {
      const { rows } = await ask(
        `select ${runColumns} from ${in_('run')} r where r.target_id = $1 and r.state in ('planning', 'running', 'paused', 'cancelling')`,
        [target.id],
      )
      return rows[0] === undefined ? null : readRun(rows[0])
    },
    accept: (run, { request, bodyHash, topicPartition, offset }) =>
      controlErrors(
        withTransaction(pool, async (client) => {
          await lockAdmission(client, quoteIdentifier(schema))
          const { rowCount } = await client.query(
            `with accepted as (
               insert into ${in_('run')} (id, state, request_key, backfill, definition_hash, definition, params, requested_by,
                                          target, target_id, bounds, range, estimated_rows, plan_hash, partitions, priority,
                                          weight, expires_at, retry_of, retry_only, follow, follows, retry_what)
               select $1, 'queued', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $19, $20, $21, $22, $23, $24, $25, $27
                where $26::int8 is null or $26 = (select count(*) from ${in_('run')} where backfill = $3 and target_id = $9)
               on conflict do nothing returning id),
             followed as (
               update ${in_('run')} set followed = true where id = $25 and exists (select from accepted))
             insert into ${in_('request')} (request_key, body_hash, body, run_id, topic_partition, record_offset)
             select $2, $15, $16, id, $17, $18 from accepted`,
            [
              ...[run.id, run.requestKey, run.backfill, run.definitionHash, JSON.stringify(run.definition)],
              ...[JSON.stringify(run.params), request.requestedBy ?? null, run.target.name, run.target.id],
              ...[
                JSON.stringify(run.bounds),
                JSON.stringify(run.range),
                run.estimatedRows,
                run.planHash,
                run.partitions,
              ],
              ...[bodyHash, JSON.stringify(request), topicPartition, offset, run.priority, run.weight],
              ...['expiresAt' in request ? request.expiresAt : null, run.retryOf, run.retryOnly],
              ...[run.follow, run.follows, run.earlierRuns, run.retryWhat],
            ],
          )
          return rowCount === 1 ? admitNext(client, quoteIdentifier(schema), liveRuns) : null
        }),
      ),
    writePage: async (run, planCursor, page) => {
      const { rowCount } = await ask(
        `with moved as (
           update ${in_('run')} set plan_cursor = plan_cursor + $3
            where id = $1 and plan_cursor = $2 and state = 'planning' returning id)
         insert into ${in_('partition')} (run_id, index, partition_id, kind, "from", "to", locator, estimated_rows)
         select moved.id, p.* from moved, jsonb_to_recordset($4::jsonb) as
           p (index bigint, partition_id uuid, kind text, "from" text, "to" text, locator jsonb, estimated_rows bigint)`,
        [run, planCursor, page.length, JSON.stringify(page.map(partitionRow))],
      )
      return rowCount === page.length
    },
    runOf: async (run) => {
      const { rows } = await ask(`select ${runColumns} from ${in_('run')} r where r.id = $1`, [run])
      return rows[0] === undefined ? null : readRun(rows[0])
    },
    followerOf: async (run) => {
      const { rows } = await ask(`select id from ${in_('run')} where follows = $1`, [run])
      return rows[0] === undefined ? null : RunId.parse(rows[0]['id'])
    },
    planning: async () => {
      const { rows } = await ask(
        `select ${runColumns} from ${in_('run')} r where r.state = 'planning' order by r.priority desc, r.accepted_at`,
        [],
      )
      return rows.map(readRun)
    },
    publishing: async () => {
      const { rows } = await ask(
        `select ${runColumns}, (select coalesce(sum(completed + failed + cancelled), 0) from ${in_('ledger_run_slice')} l
                                 where l.run_id = r.id) as ended,
                array(select l.index from ${in_('ledger_partition')} l
                       where l.run_id = r.id and l.state = 'cancelled' and l.epoch = 0) as unclaimed,
                coalesce(r.max_concurrent_partitions,
                         (r.definition->'limits'->>'maxConcurrentPartitions')::bigint) as most_open
           from ${in_('run')} r where r.state = 'running' and r.published < r.partitions order by r.accepted_at`,
        [],
      )
      return rows.map((row) => {
        const { ended, unclaimed, most_open: mostOpen } = PublishingRow.parse(row)
        const run = readRun(row)
        // One that was cancelled before its task was published is no open task that has ended.
        const { placeOf } = publishOrder(run.partitions)
        const unpublished = unclaimed.filter((index) => placeOf(index) >= run.published).length
        return { ...run, ended: ended - unpublished, mostOpen }
      })
    },
    partitionsAt: async (run, indexes) => {
      const { rows } = await ask(
        `select index, partition_id, kind, "from", "to", locator, estimated_rows
           from ${in_('partition')} where run_id = $1 and index = any ($2::int8[])`,
        [run, indexes],
      )
      return rows.map(readPartition)
    },
    markPublished: async (run, from, to) => {
      const { rowCount } = await ask(`update ${in_('run')} set published = $3 where id = $1 and published = $2`, [
        run,
        from,
        to,
      ])
      return rowCount === 1
    },
    markPlanned: async (run, plannedAt) => {
      const { rows } = await ask(
        `with moved as (
           update ${in_('run')} set state = case intent when 'paused' then 'paused' else 'running' end, planned_at = $2
            where id = $1 and state = 'planning' returning true as is_planned)
         select is_planned from moved
         union all select planned_at is not null from ${in_('run')} where id = $1 and not exists (select from moved)`,
        [run, plannedAt],
      )
      return rows[0]?.['is_planned'] === true
    },
    failPlanning: async (run, endedAt) => {
      const { rowCount } = await ask(
        `update ${in_('run')} set state = 'failed', ended_at = $2 where id = $1 and state = 'planning'`,
        [run, endedAt],
      )
      return rowCount === 1
    },
    markEndTold: async (run) => {
      await ask(`update ${in_('run')} set end_told = true where id = $1`, [run])
    },
  }
}

const RequestRow = z.object({
  body_hash: Sha256,
  topic_partition: StoredCount,
  record_offset: z.coerce.string(),
  intent_sequence: StoredCount.nullable(),
  intent_index: StoredCount.nullable(),
  intent_changes: RunTuned.shape.changes.nullable(),
})

const PublishingRow = z.object({
  ended: StoredCount,
  unclaimed: z.array(StoredCount),
  most_open: StoredCount.nullable(),
})
