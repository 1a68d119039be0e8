import { listWorkers } from '../ledger/query/workers.ts'
import type { Pool } from '../postgres/pool.ts'
import type { RecordedWorker } from './worker-rules.ts'

/** Nobody has to be told of a worker that has been gone for longer. */
const heardWithinMs = 3_600_000

/** What is recorded of each worker that was heard of lately. */
export async function recordedWorkers(pool: Pool, schema: string, now: Date): Promise<readonly RecordedWorker[]> {
  const listed = await listWorkers(pool, schema)
  return listed.flatMap(({ worker, instance, sequence, state, lastHeardAt, lostAt, lostMessage }) => {
    const isLate = lastHeardAt === null || now.getTime() - Date.parse(lastHeardAt) > heardWithinMs
    if (isLate) return []
    const lost = state === 'lost' && lostAt !== null ? { at: new Date(lostAt), message: lostMessage ?? '' } : null
    return [{ worker, instance, sequence, isStopped: state === 'stopped', lost }]
  })
}
