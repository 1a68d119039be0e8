import type { ControlMessage } from '../contract/control.ts'
import type { RunId } from '../contract/ids.ts'

/** Where the intents of runs stand, keyed by run id and compacted. Resolves when every in-sync replica has them. */
export interface ControlLog {
  publish(message: ControlMessage): Promise<void>
  /** Nothing is wanted of the run any more: it has ended. */
  clear(runId: RunId): Promise<void>
}
