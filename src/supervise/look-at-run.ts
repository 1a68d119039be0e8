import type { About } from '../contract/alert.ts'
import type { PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import { isTerminalPartition, isTerminalRun } from '../contract/states.ts'
import { publishOrder } from '../plan/publish-order.ts'
import type { Sink } from '../sink/sink.ts'
import { actOnRun } from './act-on-run.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'
import { compareRun, type Difference, type Look } from './compare.ts'
import { doubtOf } from './doubts.ts'
import { type PassedTasks, tooFar } from './lane-findings.ts'
import type { LiveRun } from './live-runs.ts'
import { type CoverageFinding, planCoverage } from './plan-coverage.ts'
import { type RunFacts, runFacts } from './run-facts.ts'
import { failedCondition, runConditions } from './run-rules.ts'
import type { KnownPlan, Memory, Supervising, TasksNow } from './supervising.ts'

/** What is known when runs are looked at, one after the other. */
export interface Around {
  /** Undefined: open tasks are not known, and nothing counts as stranded. */
  readonly tasks: TasksNow | undefined
  /** All that was told up to then is recorded. */
  readonly recordedThroughMs: number
  /** Undefined: they are not known. */
  readonly workers: readonly WorkerId[] | undefined
  /** Whether another run than this one has moved within the time after which one stands still. */
  othersMove(this: void, run: RunId): boolean
}

/** A plan is read again so often, a large one less often. */
const [planEveryMs, planEveryPartitionMs] = [10_000, 2]

/**
 * One look at a run: what differs is repaired, and what is wrong with it returned. Open tasks were read before the ledger,
 * and that before the checkpoint rows: what happens in between is later truth there, never a difference.
 */
export async function lookAtRun(
  deps: Supervising,
  memory: Memory,
  run: LiveRun,
  around: Around,
  signal: AbortSignal,
): Promise<readonly Condition[]> {
  // Before anything is read: a process that stands still in between has not seen a difference for longer.
  const nowMs = performance.now()
  const plan = await knownPlan(deps, memory, run, nowMs)
  const sink = await deps.openSink(deps.definitions.get(run.backfill))
  const own = await deps.runs.intents(run.id)
  const ledger = await deps.runs.recorded(run.id)
  const checkpoints = new Map((await sink.checkpoints(run.id)).map((row) => [row.partitionId, row]))
  const brokenChains = isTerminalRun(run.state) ? await chainsOf(deps, sink, run.id) : none
  const { placeOf } = publishOrder(run.partitions)
  const intent: Look['intent'] = (partitionId) =>
    run.intent === 'cancelled' ? 'cancelled' : (own.get(partitionId) ?? run.intent)
  const isPublished = (index: number): boolean => placeOf(index) < run.published
  const seen = { plan: plan.partitions, checkpoints, ledger, intent, isPublished, state: run.state }
  const { patienceMs, leaseMs } = deps.patience
  const { tasks, recordedThroughMs } = around
  const before = memory.sightings.get(run.id) ?? none
  const times = { nowMs, recordedThroughMs, patienceMs, leaseMs }
  const found = compareRun({ ...seen, ...times, brokenChains, covered: tasks?.covered, before })
  memory.sightings.set(run.id, found.sightings)
  const passed = passedTooEarly(memory.passed.get(run.id) ?? none, tasks, seen)
  memory.passed.set(run.id, passed)
  const facts = runFacts({ ...seen, published: run.published })
  await actOnRun(deps, memory, { run, plan: plan.partitions, sink, ledger, found, passed }, signal)
  return [
    ...doubtConditions(run, found, plan.coverage),
    ...passedConditions(run, passed, plan.partitions.length),
    ...failedCondition(aboutOf(run), facts),
    ...(isTerminalRun(run.state) ? [] : liveConditions(deps, memory, run, facts, around, nowMs)),
  ]
}

const none: ReadonlyMap<never, never> = new Map<never, never>()
const aboutOf = ({ id: runId, backfill }: LiveRun): Pick<About, 'runId' | 'backfill'> => ({ runId, backfill })

async function knownPlan({ runs, log }: Supervising, memory: Memory, run: LiveRun, nowMs: number): Promise<KnownPlan> {
  const known = memory.plans.get(run.id)
  if (known !== undefined && nowMs < known.dueMs) return known
  const partitions = await runs.plan(run.id)
  const coverage = await coverageOf({ runs, log }, run)
  const plan = { partitions, coverage, dueMs: nowMs + planEveryMs + planEveryPartitionMs * partitions.length }
  memory.plans.set(run.id, plan)
  return plan
}

async function coverageOf(
  { runs, log }: Pick<Supervising, 'runs' | 'log'>,
  run: LiveRun,
): Promise<readonly CoverageFinding[]> {
  // Cancelled while it was being planned: there is no more of it.
  if (!run.isPlanned) return []
  try {
    return await planCoverage(run, runs.ranges(run.id))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    log.warn({ runId: run.id, error: error.message }, 'bounds of the plan cannot be ordered: its coverage is not known')
    return []
  }
}

async function chainsOf(deps: Supervising, sink: Sink, run: RunId): Promise<ReadonlyMap<PartitionId, string>> {
  const broken = (await deps.brokenChains?.(sink, run)) ?? []
  return new Map(broken.map(({ partitionId, message }) => [partitionId, message]))
}

function passedTooEarly(
  before: PassedTasks,
  tasks: TasksNow | undefined,
  { plan, checkpoints, ledger, intent }: Pick<Look, 'plan' | 'checkpoints' | 'ledger' | 'intent'>,
): PassedTasks {
  const covered = tasks?.covered
  if (tasks === undefined || covered === undefined) return before
  if (before.size === 0 && tasks.passed.length === 0) return before
  const planned = new Set(plan.map(({ partitionId }) => partitionId))
  /** Of one whose row is gone, or went back, the offset has passed what was over. */
  const isLive = (id: PartitionId): boolean => {
    const row = checkpoints.get(id)
    return (row === undefined || !isTerminalPartition(row.state)) && doubtOf(row, ledger.get(id), undefined) === null
  }
  return tooFar(before, tasks.passed, (id) => planned.has(id) && isLive(id) && intent(id) === 'running' && !covered(id))
}

function doubtConditions(
  run: LiveRun,
  { doubts }: Difference,
  coverage: readonly CoverageFinding[],
): readonly Condition[] {
  const about = aboutOf(run)
  return [
    ...doubts.map(({ kind, message, partition }) => condition(kind, { ...about, ...partition }, message)),
    ...(['coverageGap', 'coverageOverlap'] as const).flatMap((kind) => {
      const of = coverage.filter((finding) => finding.kind === kind)
      return of.length === 0 ? [] : [condition(kind, about, of.map(({ message }) => message).join('; '))]
    }),
  ]
}

function passedConditions(run: LiveRun, passed: PassedTasks, partitions: number): readonly Condition[] {
  const byLane = Map.groupBy(passed.values(), ({ topicPartition }) => topicPartition)
  return [...byLane].map(([topicPartition, tasks]) => {
    const offsets = tasks.map(({ offset }) => offset).join(', ')
    const message = `the committed offset of topic partition ${topicPartition} is past the tasks at ${offsets}: ${tasks.length} of ${partitions} partitions are not over and have no task`
    return condition('offsetTooFar', { ...aboutOf(run), topicPartition }, message)
  })
}

function liveConditions(
  { definitions, patience, now }: Supervising,
  memory: Memory,
  run: LiveRun,
  facts: RunFacts,
  { workers, othersMove }: Around,
  nowMs: number,
): readonly Condition[] {
  const stood = memory.stood.get(run.id)
  // A run that is wanted again begins to stand when it is.
  const progress = `${facts.progress}/${run.state}/${run.controlSequence}`
  const sinceMs = stood?.progress === progress ? stood.sinceMs : nowMs
  memory.stood.set(run.id, { progress, sinceMs })
  if (run.state !== 'running') return []
  return runConditions({
    about: aboutOf(run),
    ...{ facts, workers, thresholds: patience, limits: definitions.get(run.backfill).backfill.limits },
    nowMs: now().getTime(),
    intendedMs: run.intendedAt?.getTime() ?? 0,
    stoodMs: nowMs - sinceMs,
    othersMove: othersMove(run.id),
  })
}
