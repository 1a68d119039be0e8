// Promises that a transform began and did not wait for. When one of them rejects, nobody is there to hear it: Node says
// so of the whole process, and by default ends it without a word about whose promise it was. Here it is logged with the
// name of the backfill, and work goes on, for no row depends on it. A rejection from elsewhere ends the role: a bug.
import { AsyncLocalStorage } from 'node:async_hooks'
import { messageOf } from '../contract/errors.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { Log } from '../process/log.ts'
import type { Service } from '../process/service.ts'

export interface LeakWatch extends Service {
  /** Whatever `work` begins is known as that task's, however much later it ends. */
  within<Result>(task: TaskMessage, work: () => Result): Result
  /** Rejects with what was rejected somewhere else. */
  readonly failed: Promise<never>
}

/** Where unhandled rejections are heard: the process. */
export interface RejectionSource {
  on(event: 'unhandledRejection', listener: (reason: unknown) => void): unknown
  off(event: 'unhandledRejection', listener: (reason: unknown) => void): unknown
}

/** A transform that leaks does so with every row: of one backfill a line is enough in this time. */
const quietMs = 10_000

export function createLeakWatch(source: RejectionSource, nowMs: () => number, log: Log): LeakWatch {
  const scope = new AsyncLocalStorage<TaskMessage>()
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {})
  const told = new Map<string, { atMs: number; since: number }>()
  const hear = (reason: unknown): void => {
    const task = scope.getStore()
    if (task === undefined) {
      failure.reject(reason)
      return
    }
    const { backfill, runId, partitionId, index } = task
    const before = told.get(backfill)
    if (before !== undefined && nowMs() - before.atMs < quietMs) {
      before.since += 1
      return
    }
    told.set(backfill, { atMs: nowMs(), since: 0 })
    log.error(
      { backfill, runId, partitionId, index, error: messageOf(reason), moreSinceTheLastLine: before?.since ?? 0 },
      `the transform of backfill "${backfill}" began a promise that it does not wait for, and it failed: await it, or catch its error`,
    )
  }
  return {
    failed: failure.promise,
    within: (task, work) => scope.run(task, work),
    start: () => {
      source.on('unhandledRejection', hear)
      return Promise.resolve()
    },
    stop: () => {
      source.off('unhandledRejection', hear)
      return Promise.resolve()
    },
  }
}
