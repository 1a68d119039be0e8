import { z } from 'zod'
import type { RunId } from '../contract/ids.ts'
import type { ArchiveRequest } from '../contract/request.ts'
import { RunState } from '../contract/states.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { askControl } from './ask-control.ts'
import type { ChangeEntry } from './intent-store.ts'

/** All SQL of archiving; each method is one statement, so one transaction. */
export interface ArchiveStore {
  /** Null when there is no such run. */
  read(runId: RunId): Promise<ArchivableRun | null>
  /** That it is archived, and the request key's claim, both or neither. False: the run is archived already, or live. */
  write(runId: RunId, entry: ChangeEntry & { readonly request: ArchiveRequest }): Promise<boolean>
}

const ArchivableRun = z.object({
  id: z.uuid(),
  backfill: z.string(),
  state: RunState,
  archivedAt: z.date().nullable(),
})
export type ArchivableRun = z.infer<typeof ArchivableRun>

export function createArchiveStore(pool: Pool, schema: string): ArchiveStore {
  const s = quoteIdentifier(schema)
  return {
    read: async (runId) => {
      const { rows } = await askControl(
        pool,
        `select id, backfill, state, archived_at as "archivedAt" from ${s}.run where id = $1`,
        [runId],
      )
      return rows[0] === undefined ? null : ArchivableRun.parse(rows[0])
    },
    write: async (runId, { request, bodyHash, topicPartition, offset, at }) => {
      const { rowCount } = await askControl(
        pool,
        `with moved as (
           update ${s}.run set archived_at = $2, archived_for = $3, archived_by = $4, archive_reason = $5
            where id = $1 and ended_at is not null and archived_at is null returning id)
         insert into ${s}.request (request_key, body_hash, body, run_id, topic_partition, record_offset)
         select $3, $6, $7, id, $8, $9 from moved`,
        [
          ...[runId, at, request.requestKey, request.requestedBy ?? null, request.reason ?? null],
          ...[bodyHash, JSON.stringify(request), topicPartition, offset],
        ],
      )
      return rowCount === 1
    },
  }
}
