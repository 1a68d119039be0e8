import type { Intent } from '../contract/control.ts'
import type { PartitionId, WorkerId } from '../contract/ids.ts'
import { isTerminalPartition } from '../contract/states.ts'
import type { Rejections } from '../sink/sink.ts'
import type { Look, PlannedPartitionState, RecordedPartition } from './compare.ts'

/** What a look at a run tells of how it goes. */
export interface RunFacts {
  /** Changes with anything that moves. */
  readonly progress: string
  /** Partitions for which something is to be done, by what they wait for. */
  readonly waiting: {
    readonly unpublished: number
    readonly unclaimed: number
    readonly held: number
    /** Of those held: their workers. */
    readonly holders: readonly WorkerId[]
  }
  readonly failed: number
  readonly rejections: Rejections
  readonly running: readonly RunningPartition[]
  readonly completed: number
  /** Of a sample of the completed ones: how long they took, and how many rows they had. */
  readonly medianMs: number
  readonly medianRows: number
  readonly largest: { readonly index: number; readonly rows: number } | null
}

export interface RunningPartition extends PlannedPartitionState {
  readonly worker: WorkerId
  /** When it was first claimed, as the ledger has it. */
  readonly sinceMs: number
}

type Seen = Pick<Look, 'plan' | 'checkpoints' | 'ledger' | 'isPublished'> & {
  intent(this: void, partitionId: PartitionId): Intent
  readonly published: number
}

const sampled = 1_000

export function runFacts({ plan, checkpoints, ledger, isPublished, intent, published }: Seen): RunFacts {
  const waiting = { unpublished: 0, unclaimed: 0, held: 0 }
  const holders = new Set<WorkerId>()
  const running: RunningPartition[] = []
  const completed: RecordedPartition[] = []
  let [chunks, epochs, failed, rowsRead, rowsRejected, ended, recordedChunks] = [0, 0, 0, 0, 0, 0, 0]
  let largest: RunFacts['largest'] = null
  for (const partition of plan) {
    const { partitionId, index } = partition
    const row = checkpoints.get(partitionId)
    const recorded = ledger.get(partitionId)
    recordedChunks += (recorded?.sequence ?? 0) + (recorded === undefined || recorded.state === 'running' ? 0 : 1)
    if (row === undefined) {
      if (intent(partitionId) !== 'running') continue
      waiting[isPublished(index) ? 'unclaimed' : 'unpublished'] += 1
      continue
    }
    chunks += row.sequence
    epochs += row.epoch
    rowsRead += row.totals.rowsRead
    rowsRejected += row.totals.rowsRejected
    if (isTerminalPartition(row.state)) {
      ended += 1
      if (row.state === 'failed') failed += 1
      if (row.state !== 'completed' || recorded === undefined) continue
      completed.push(recorded)
      if (largest === null || row.totals.rowsRead > largest.rows) largest = { index, rows: row.totals.rowsRead }
    } else if (intent(partitionId) === 'running') {
      waiting.held += 1
      if (row.worker !== undefined) holders.add(row.worker)
      if (recorded !== undefined)
        running.push({ ...partition, worker: row.worker ?? recorded.worker, sinceMs: recorded.firstEventMs })
    }
  }
  const some = sampleOf(completed)
  return {
    progress: [chunks, epochs, ended, recordedChunks, published].join('/'),
    waiting: { ...waiting, holders: [...holders].sort() },
    ...{ failed, running, largest, completed: completed.length },
    rejections: { rowsRead, rowsRejected },
    medianMs: median(some.map(({ firstEventMs, lastEventMs }) => lastEventMs - firstEventMs)),
    medianRows: median(some.map(({ totals }) => totals.rowsRead)),
  }
}

/** Evenly spread over the plan: a million of them need not be sorted at every look. */
function sampleOf<Item>(items: readonly Item[]): readonly Item[] {
  if (items.length <= sampled) return items
  const step = items.length / sampled
  return Array.from({ length: sampled }, (_, at) => items[Math.floor(at * step)]).filter((item) => item !== undefined)
}

/** 0 when there are none. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
