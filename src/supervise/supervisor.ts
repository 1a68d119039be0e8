import { messageOf } from '../contract/errors.ts'
import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { PauseRequest } from '../contract/request.ts'
import { canMove, isTerminalRun } from '../contract/states.ts'
import type { Definitions, DiscoveredBackfill } from '../define/discover.ts'
import type { ControlLog } from '../plan/control-log.ts'
import { breakerRequest } from '../plan/park-request.ts'
import { publishOrder } from '../plan/publish-order.ts'
import type { Run } from '../plan/run.ts'
import type { TaskLog } from '../plan/task-log.ts'
import { taskOf } from '../plan/task-of.ts'
import { createLeadership, type Leadership } from '../postgres/leadership.ts'
import type { Pool } from '../postgres/pool.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import type { Sink } from '../sink/sink.ts'
import type { StatusLog } from '../status/status-log.ts'
import { pause } from '../work/pause.ts'
import { compareRun, type Difference, type Look, type PlannedPartitionState, type Sightings } from './compare.ts'
import { createLiveRuns, type LiveRun, type LiveRuns } from './live-runs.ts'
import { partitionEnd, republished, runEnd } from './repairs.ts'
import { sweepCancelled } from './sweep-cancelled.ts'
import { createIntentWatch } from './watch-intents.ts'

export interface SupervisorDeps {
  readonly pool: Pool
  /** Schema of the control database's tables; supervisors of one schema are one group, of which one is active. */
  readonly schema: string
  readonly definitions: Definitions
  openSink(discovered: DiscoveredBackfill): Promise<Sink>
  /** Which partitions an open task covers; undefined while that is not known. */
  covered(): Promise<((partitionId: PartitionId) => boolean) | undefined>
  /** The workers of the group, now. */
  workers(): Promise<readonly WorkerId[]>
  readonly tasks: TaskLog
  readonly control: Pick<ControlLog, 'clear'>
  readonly status: StatusLog
  /** Asks for a pause; the planner decides. */
  ask(request: PauseRequest): Promise<void>
  now(): Date
  /** From one look to the next, at least. Default 1 s. */
  readonly everyMs?: number
  /** How long a difference must last before it is repaired. Default 15 s. */
  readonly patienceMs?: number
  /** How long a holder that says nothing may still be at work. */
  readonly leaseMs: number
  readonly mark?: Mark
  readonly log: Log
}

interface Supervising extends SupervisorDeps {
  readonly everyMs: number
  readonly patienceMs: number
  readonly leadership: Leadership
  readonly runs: LiveRuns
  readonly watchIntents: ReturnType<typeof createIntentWatch>
}

/** What a leader remembers from look to look; a new leader begins without it, and so repairs a little later. */
interface Memory {
  readonly plans: Map<RunId, readonly PlannedPartitionState[]>
  readonly sightings: Map<RunId, Sightings>
  /** Runs that were asked to be parked: once is enough, and a person who resumes one has decided. */
  readonly tripped: Set<RunId>
}

const perBatch = 500
const longestRestMs = 30_000

/**
 * Compares plans, checkpoint rows, ledger, intents and open tasks; publishes stranded tasks again, tells ends that the
 * ledger has not heard of, ends what is cancelled, and ends runs. One of many is active. Every action follows from what
 * is stored, so a crash between two of them, or two leaders at once, only does one of them twice. Never writes rows.
 */
export function createSupervisor({ everyMs = 1_000, patienceMs = 15_000, ...given }: SupervisorDeps): Service {
  const { pool, schema, log } = given
  const leadership = createLeadership(pool, `tidemark supervisor ${schema}`, log)
  const runs = createLiveRuns(pool, schema)
  const watchIntents = createIntentWatch({ ...given, acknowledged: runs.acknowledged })
  const deps: Supervising = { ...given, everyMs, patienceMs, leadership, runs, watchIntents }
  const ended = new AbortController()
  let looking: Promise<void> | undefined
  return {
    start: async () => {
      looking ??= keepLooking(deps, ended.signal)
    },
    stop: async () => {
      ended.abort()
      await looking
      await deps.leadership.resign()
    },
  }
}

async function keepLooking(deps: Supervising, signal: AbortSignal): Promise<void> {
  let memory = newMemory()
  let lastTookMs = 0
  while (!signal.aborted) {
    const began = performance.now()
    try {
      if (await deps.leadership.held()) await lookAtAll(deps, memory, signal)
      else memory = newMemory()
    } catch (error) {
      deps.log.warn({ error: messageOf(error) }, 'could not look at the runs: looks again')
    }
    // Plans of a million partitions must not keep the databases busy with being looked at. One look that took long says
    // no such thing: a server was away.
    const tookMs = performance.now() - began
    const restMs = Math.min(10 * Math.min(tookMs, lastTookMs), longestRestMs)
    lastTookMs = tookMs
    await pause(Math.max(deps.everyMs, restMs), signal)
  }
}

const newMemory = (): Memory => ({ plans: new Map(), sightings: new Map(), tripped: new Set() })

async function lookAtAll(deps: Supervising, memory: Memory, signal: AbortSignal): Promise<void> {
  const runs = await deps.runs.list()
  const live = new Set(runs.map(({ id }) => id))
  for (const remembered of [memory.plans, memory.sightings, memory.tripped])
    for (const id of remembered.keys()) if (!live.has(id)) remembered.delete(id)
  if (runs.length === 0) return
  // Before the checkpoint rows: a task that ends in between was covered and is terminal, never stranded.
  const covered = await deps.covered().catch((error: unknown) => {
    deps.log.warn({ error: messageOf(error) }, 'open tasks are not known: looks at everything else')
    return undefined
  })
  for (const run of runs) {
    if (signal.aborted) return
    try {
      await lookAt(deps, memory, run, covered, signal)
    } catch (error) {
      deps.log.warn({ runId: run.id, error: messageOf(error) }, 'could not look at the run: looks again')
    }
  }
  await deps.watchIntents(
    runs.flatMap(({ id: runId, state, intent, controlSequence: sequence, intendedAt }) =>
      intendedAt === null || isTerminalRun(state) ? [] : [{ runId, intent, sequence, at: intendedAt.toISOString() }],
    ),
  )
}

async function lookAt(
  deps: Supervising,
  memory: Memory,
  run: LiveRun,
  covered: Look['covered'],
  signal: AbortSignal,
): Promise<void> {
  const { patienceMs, leaseMs } = deps
  const plan = memory.plans.get(run.id) ?? (await deps.runs.plan(run.id))
  memory.plans.set(run.id, plan)
  const sink = await deps.openSink(deps.definitions.get(run.backfill))
  const checkpoints = new Map(
    (await sink.checkpoints(run.id)).map((checkpoint) => [checkpoint.partitionId, checkpoint]),
  )
  const ledger = await deps.runs.recorded(run.id)
  const before = memory.sightings.get(run.id) ?? new Map<never, never>()
  // How long a difference has lasted: the wall clock may be set meanwhile.
  const nowMs = performance.now()
  const own = await deps.runs.intents(run.id)
  const intent: Look['intent'] =
    run.intent === 'cancelled' ? () => 'cancelled' : (partitionId) => own.get(partitionId) ?? run.intent
  const { state } = run
  const { placeOf } = publishOrder(run.partitions)
  const isPublished = (index: number): boolean => placeOf(index) < run.published
  const stored = { plan, checkpoints, ledger, isPublished }
  const found = compareRun({ nowMs, patienceMs, leaseMs, state, intent, ...stored, covered, before })
  memory.sightings.set(run.id, found.sightings)

  const planned = new Map(plan.map((partition) => [partition.partitionId, partition]))
  const ends = found.untold.flatMap((checkpoint) => {
    const { partitionId } = checkpoint
    const partition = planned.get(partitionId)
    return partition === undefined
      ? []
      : [partitionEnd(run, partition, checkpoint, ledger.get(partitionId), deps.now())]
  })
  for (const some of inBatches(ends)) {
    deps.log.warn(
      { runId: run.id, partitions: some.length },
      'ends of partitions that the ledger has not heard of: told again',
    )
    await deps.status.publish(some)
    await deps.mark?.('Q1')
  }
  if (found.tripped && !memory.tripped.has(run.id)) {
    deps.log.error({ runId: run.id }, 'more than half of its partitions failed: the run is to be parked')
    await deps.ask(breakerRequest(run.id))
    memory.tripped.add(run.id)
  }
  await sweepCancelled({ ...deps, partitions: deps.runs.partitions }, run, sink, found.unswept, signal)
  for (const some of inBatches(found.stranded)) await publishAgain(deps, run, some)
  if (found.ended !== null) await end(deps, run, run.partitions - plan.length, found.ended)
}

async function publishAgain(
  { runs, tasks, status, now, mark, log }: Supervising,
  run: Run,
  ids: readonly PartitionId[],
): Promise<void> {
  const partitions = await runs.partitions(ids)
  log.warn({ runId: run.id, partitions: partitions.length }, 'partitions that no open task covers: published again')
  await tasks.publish(partitions.map((partition) => taskOf(run, partition, 'stranded', now())))
  await mark?.('Q2')
  await status.publish(partitions.map((partition) => republished(run, partition, now())))
}

/**
 * Decided in the control database, against a pause or cancel that comes at the same moment; then told; then known to be
 * told. A crash in between tells it again.
 */
async function end(
  deps: Supervising,
  run: Run,
  unplanned: number,
  ended: NonNullable<Difference['ended']>,
): Promise<void> {
  const how = {
    ...ended,
    partitionsCancelled: ended.partitionsCancelled + (ended.state === 'cancelled' ? unplanned : 0),
  }
  const at = deps.now()
  const decided =
    isTerminalRun(run.state) ||
    (canMove(run.state, how.state) && (await deps.runs.end(run.id, run.state, how.state, at)))
  if (!decided) return
  await deps.mark?.('C4')
  await deps.status.publish([runEnd(run, how, at)])
  await deps.mark?.('Q3')
  if (run.controlSequence > 0) await deps.control.clear(run.id)
  await deps.runs.markEndTold(run.id)
  await deps.mark?.('Q4')
  deps.log.info({ runId: run.id, backfill: run.backfill, ...how }, `run ${how.state}`)
}

function* inBatches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += perBatch) yield items.slice(at, at + perBatch)
}
