import { z } from 'zod'
import { WorkerLost, WorkerTold } from '../contract/status.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import { type Pool, query } from '../postgres/pool.ts'
import type { RecordedWorker } from './worker-rules.ts'

const Row = z.object({ event: z.union([WorkerTold, WorkerLost]) })

/** What was last heard of each worker within the last hour, as far as it is recorded. */
export async function recordedWorkers(pool: Pool, schema: string): Promise<readonly RecordedWorker[]> {
  // Events that are of no run: the index of the history finds them by their time.
  const { rows } = await query<Record<string, unknown>>(
    pool,
    `select distinct on (event->>'worker') event from ${quoteIdentifier(schema)}.ledger_event
      where run_id is null and at > now() - interval '1 hour' and type like 'worker.%'
      order by event->>'worker', recorded_at desc, (event->>'sequence')::bigint desc`,
  )
  return rows.map((row) => {
    const { event } = Row.parse(row)
    const { worker, instance, sequence } = event
    const lost = event.type === 'worker.lost' ? { at: new Date(event.at), message: event.message } : null
    return { worker, instance, sequence, isStopped: event.type === 'worker.stopped', lost }
  })
}
