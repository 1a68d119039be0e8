import type { Leadership } from '../postgres/leadership.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import { publishOrder } from './publish-order.ts'
import type { PublishingRun, RunStore } from './run-store.ts'
import { type Room, shareRoom } from './share-room.ts'
import type { TaskLog } from './task-log.ts'
import { taskOf } from './task-of.ts'

export interface TaskPublisherDeps {
  readonly leadership: Leadership
  readonly runs: Pick<RunStore, 'publishing' | 'partitionsAt' | 'markPublished'>
  readonly tasks: TaskLog
  readonly room: Room
  now(this: void): Date
  readonly mark?: Mark
  readonly log: Log
}

/**
 * Publishes the next tasks of running runs, as far as their windows have room. Tasks that were published just before a
 * crash are published again, and meet the claim. One planner of many does it; two at once publish some tasks twice.
 * True: there may be more.
 */
export async function publishTasks(deps: TaskPublisherDeps, signal: AbortSignal): Promise<boolean> {
  if (!(await deps.leadership.held())) return false
  const runs = await deps.runs.publishing()
  const shares = shareRoom(runs, deps.room)
  for (const run of runs) {
    const count = shares.get(run.id)
    if (count === undefined) continue
    signal.throwIfAborted()
    await publishNext(deps, run, count)
  }
  return shares.size > 0
}

async function publishNext(
  { runs, tasks, now, mark, log }: TaskPublisherDeps,
  run: PublishingRun,
  count: number,
): Promise<void> {
  const order = publishOrder(run.partitions)
  const next = Array.from({ length: count }, (_, at) => order.indexAt(run.published + at))
  const byIndex = new Map((await runs.partitionsAt(run.id, next)).map((partition) => [partition.index, partition]))
  const partitions = next.flatMap((index) => byIndex.get(index) ?? [])
  await tasks.publish(partitions.map((partition) => taskOf(run, partition, 'planned', now())))
  await mark?.('R6')
  if (!(await runs.markPublished(run.id, run.published, run.published + count)))
    log.info({ runId: run.id }, 'another planner publishes the tasks of the run')
  await mark?.('R5')
}
