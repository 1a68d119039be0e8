import type { TaskMessage } from '../contract/task.ts'

/** Where tasks are published, keyed by partition id. Resolves when every in-sync replica has them. */
export interface TaskLog {
  publish(tasks: readonly TaskMessage[]): Promise<void>
}
