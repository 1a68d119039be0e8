import type { BackfillId, PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { PauseRequest } from '../contract/request.ts'
import type { AlertEvent } from '../contract/status.ts'
import type { Definitions, DiscoveredBackfill } from '../define/discover.ts'
import type { Contradiction } from '../ledger/query/contradictions.ts'
import type { ControlLog } from '../plan/control-log.ts'
import type { TaskLog } from '../plan/task-log.ts'
import type { Leadership } from '../postgres/leadership.ts'
import type { Pool } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Supervision } from '../process/supervision.ts'
import type { Sink } from '../sink/sink.ts'
import type { StatusLog } from '../status/status-log.ts'
import type { AlertMemory } from './alerts.ts'
import type { PlannedPartitionState, Sightings } from './compare.ts'
import type { LanePlace, PassedTask, PassedTasks } from './lane-findings.ts'
import type { LedgerReach, TopicEnd } from './ledger-reach.ts'
import type { LiveRuns } from './live-runs.ts'
import type { CoverageFinding } from './plan-coverage.ts'
import type { HeardWorker } from './worker-rules.ts'

/** How long things may take, and how often is looked. */
export interface Patience extends Supervision {
  /** How long a holder that says nothing may still be at work. */
  readonly leaseMs: number
}

/** What the group of workers has committed, and what of the tasks is open. */
export interface TasksNow {
  /** Whether an open task covers a partition; undefined while that is not known. */
  readonly covered: ((partitionId: PartitionId) => boolean) | undefined
  readonly lanes: readonly LanePlace[]
  /** Tasks that committed offsets have passed since the look before. */
  readonly passed: readonly PassedTask[]
}

export interface SupervisorDeps {
  readonly pool: Pool
  /** Schema of the control database's tables; supervisors of one schema are one group, of which one is active. */
  readonly schema: string
  readonly definitions: Definitions
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
  openTasks(): Promise<TasksNow>
  /** The workers of the group, now. */
  workers(): Promise<readonly WorkerId[]>
  /** The status topic, as the ledger calls it, and where it ends now. */
  readonly statusTopic: string
  statusEnds(): Promise<readonly TopicEnd[]>
  /**
   * What contradicts the checkpoint rows of a run in their chunks: asked for when a run has ended. Absent: the sink cannot
   * tell.
   */
  brokenChains?(
    sink: Sink,
    run: RunId,
  ): Promise<readonly { readonly partitionId: PartitionId; readonly message: string }[]>
  readonly tasks: TaskLog
  readonly control: Pick<ControlLog, 'clear'>
  readonly status: StatusLog
  /** Takes in what was told of alerts, for somebody who is not a subscriber; never waits and never fails. */
  notify?(alerts: readonly AlertEvent[]): void
  /** Asks for a pause; the planner decides. */
  ask(request: PauseRequest): Promise<void>
  now(): Date
  readonly patience: Patience
  readonly mark?: Mark
  readonly log: Log
}

export interface Supervising extends SupervisorDeps {
  readonly leadership: Leadership
  readonly runs: LiveRuns
}

export interface KnownPlan {
  readonly partitions: readonly PlannedPartitionState[]
  readonly coverage: readonly CoverageFinding[]
  /** When it is read again: somebody may change it. */
  readonly dueMs: number
}

/** What a leader remembers from look to look; a new leader begins without it, and so repairs a little later. */
export interface Memory {
  readonly leadsSinceMs: number
  readonly plans: Map<RunId, KnownPlan>
  readonly sightings: Map<RunId, Sightings>
  /** Runs that were asked to be parked, and partitions for the doubts they are in: once is enough, and a person who resumes has decided. */
  readonly tripped: Set<RunId>
  readonly quarantined: Map<RunId, Set<string>>
  /** Of live runs, tasks that an offset has passed too early. */
  readonly passed: Map<RunId, PassedTasks>
  /** Since when a run stands as it does. */
  readonly stood: Map<RunId, { readonly progress: string; readonly sinceMs: number }>
  /** When a run that has ended is looked at again. */
  readonly endedDueMs: Map<RunId, number>
  /** Intents that all workers obey, and those whose forcing was told. */
  readonly obeyed: Map<RunId, number>
  readonly forced: Map<RunId, number>
  /** Runs of which something is withheld from workers, and their backfills. */
  readonly withheld: Map<RunId, BackfillId>
  /** Instances of workers that were told to be lost. */
  readonly lost: Set<string>
  lanes: ReadonlyMap<number, LanePlace>
  reach: LedgerReach | undefined
  /** Undefined until they were read from the ledger. */
  alerts: AlertMemory | undefined
  /** What was heard of workers, and when it is asked for again. */
  heard: readonly HeardWorker[]
  heardDueMs: number
  /** Facts of which more than one thing was told, and when they are asked for again. */
  contradictions: readonly Contradiction[]
  contradictionsDueMs: number
  /** When a look is due although there is no run to look at. */
  idleDueMs: number
}

export const newMemory = (nowMs: number): Memory => ({
  leadsSinceMs: nowMs,
  plans: new Map(),
  sightings: new Map(),
  tripped: new Set(),
  quarantined: new Map(),
  passed: new Map(),
  stood: new Map(),
  endedDueMs: new Map(),
  obeyed: new Map(),
  forced: new Map(),
  withheld: new Map(),
  lost: new Set(),
  lanes: new Map(),
  reach: undefined,
  alerts: undefined,
  heard: [],
  heardDueMs: 0,
  contradictions: [],
  contradictionsDueMs: 0,
  idleDueMs: 0,
})

/** What a look could look at: what could not be is neither better nor worse than before. */
export interface LookedAt {
  readonly runs: ReadonlySet<RunId>
  readonly isLedgerKnown: boolean
  readonly areLanesKnown: boolean
  readonly areWorkersKnown: boolean
  readonly areIntentsKnown: boolean
}

/** Takes in what a look found: between two looks nobody else does. */
export function remember(
  memory: Memory,
  found: Partial<
    Pick<Memory, 'lanes' | 'reach' | 'alerts' | 'heard' | 'heardDueMs' | 'contradictions' | 'contradictionsDueMs'>
  >,
): void {
  Object.assign(memory, found)
}

/** Forgets runs that are neither live nor lately ended. */
export function forgetOthers(memory: Memory, known: ReadonlySet<RunId>): void {
  const { plans, sightings, tripped, quarantined, passed, stood, endedDueMs, obeyed, forced } = memory
  for (const remembered of [plans, sightings, tripped, quarantined, passed, stood, endedDueMs, obeyed, forced])
    for (const id of remembered.keys()) if (!known.has(id)) remembered.delete(id)
}

/** Another one leads: what was begun here is not finished. */
export class LeadLost extends Error {
  override readonly name = 'LeadLost'
}

/**
 * Before anything is said or published: a process that was frozen finds out here that another one has taken over, and does
 * not do again what that one does.
 */
export async function requireLead({ leadership }: Pick<Supervising, 'leadership'>): Promise<void> {
  const leads = await leadership.held().catch(() => false)
  if (!leads) throw new LeadLost('the lead was lost: another supervisor may have it')
}
