import type { ControlMessage, Intent } from '../contract/control.ts'
import type { PartitionId, RunId } from '../contract/ids.ts'
import { noSettings, type Settings } from '../contract/settings.ts'

/** What is wanted of runs and partitions, as far as the control topic tells. No clock, no I/O. */
export interface Intents {
  /** Takes a message in. False: it was told before, or a later one was, and nothing changes. */
  apply(message: ControlMessage): boolean
  /** The run has ended. */
  forget(runId: RunId): void
  /** Of a partition: the stricter of what is wanted of it and of its run. */
  of(runId: RunId, partitionId: PartitionId): Intent
  /** Of a run of which nothing was ever tuned: none. */
  settings(runId: RunId): Settings
  newest(runId: RunId): ControlMessage | undefined
  runs(): readonly RunId[]
}

/** Why a task was stopped; its abort signal carries it. */
export const intentChanged = 'the intent of its run or partition changed'

export function createIntents(): Intents {
  interface Known {
    readonly message: ControlMessage
    readonly partitions: ReadonlyMap<PartitionId, Intent>
  }
  const known = new Map<RunId, Known>()
  return {
    apply: (message) => {
      const before = known.get(message.runId)
      if (before !== undefined && before.message.sequence >= message.sequence) return false
      const partitions = new Map(message.partitions.map(({ partitionId, intent }) => [partitionId, intent]))
      known.set(message.runId, { message, partitions })
      return true
    },
    forget: (runId) => void known.delete(runId),
    of: (runId, partitionId) => {
      const run = known.get(runId)
      return run === undefined ? 'running' : stricter(run.message.intent, run.partitions.get(partitionId) ?? 'running')
    },
    settings: (runId) => known.get(runId)?.message.settings ?? noSettings,
    newest: (runId) => known.get(runId)?.message,
    runs: () => [...known.keys()],
  }
}

const strictness = { running: 0, paused: 1, cancelled: 2 } as const satisfies Record<Intent, number>
const stricter = (a: Intent, b: Intent): Intent => (strictness[a] < strictness[b] ? b : a)
