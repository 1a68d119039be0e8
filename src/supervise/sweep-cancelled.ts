import type { PartitionId } from '../contract/ids.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Run } from '../plan/run.ts'
import type { StoredPartition } from '../plan/task-of.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Sink } from '../sink/sink.ts'
import type { StatusLog } from '../status/status-log.ts'
import { partitionEnd } from './repairs.ts'

export interface SweepDeps {
  partitions(ids: readonly PartitionId[]): Promise<readonly StoredPartition[]>
  readonly status: StatusLog
  now(): Date
  readonly mark?: Mark
  readonly log: Log
}

const perPage = 500

/**
 * Makes the checkpoint rows of cancelled partitions terminal, page by page, and tells their ends. The row lock orders it
 * against chunks: what was completed meanwhile stays completed. Crashed anywhere, the next look sweeps what is left, and
 * tells what the ledger has not heard of.
 */
export async function sweepCancelled(
  deps: SweepDeps,
  run: Run,
  sink: Sink,
  ids: readonly PartitionId[],
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < ids.length; at += perPage) {
    signal.throwIfAborted()
    const planned = await deps.partitions(ids.slice(at, at + perPage))
    const rows = await sink.cancel(
      planned.map(({ partitionId, index, range }) => ({
        ...{ runId: run.id, backfill: run.backfill, partitionId, index, range },
      })),
    )
    await deps.mark?.('C2')
    const ended = new Map(rows.map((row) => [row.partitionId, row]))
    const events = planned.flatMap((partition): StatusEvent[] => {
      const row = ended.get(partition.partitionId)
      return row === undefined ? [] : [partitionEnd(run, partition, row, undefined, deps.now())]
    })
    deps.log.info({ runId: run.id, partitions: events.length }, 'cancelled partitions ended')
    await deps.status.publish(events)
  }
}
