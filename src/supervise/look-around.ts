import { messageOf } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import { listContradictions } from '../ledger/query/contradictions.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'
import { contradictionConditions } from './contradictions.ts'
import { laneFindings } from './lane-findings.ts'
import { ledgerPlace } from './ledger-place.ts'
import { ledgerReach } from './ledger-reach.ts'
import type { LiveRun } from './live-runs.ts'
import { lookAtIntents } from './look-at-intents.ts'
import { type Around, lookAtRun } from './look-at-run.ts'
import { lookAtWorkers } from './look-at-workers.ts'
import { repairMade } from './repairs.ts'
import {
  forgetOthers,
  LeadLost,
  type LookedAt,
  type Memory,
  remember,
  requireLead,
  type Supervising,
  type TasksNow,
} from './supervising.ts'
import { tellAlerts } from './tell-alerts.ts'

/** With no run to look at, so often. */
const idleEveryMs = 5_000
const contradictionsEveryMs = 1_000
/** Of runs that have ended so many are looked at between two looks at those that are live. */
const endedAtOnce = 2

/** One look at everything: at each live run, some that ended lately, committed offsets, workers, intents and the ledger. */
export async function lookAround(deps: Supervising, memory: Memory, signal: AbortSignal): Promise<void> {
  const nowMs = performance.now()
  const [live, lately] = [await deps.runs.list(), await deps.runs.ended(deps.patience.lookBackMs)]
  forgetOthers(memory, new Set([...live, ...lately].map(({ id }) => id)))
  const due = dueRuns(memory, lately, nowMs)
  if (live.length === 0 && due.length === 0 && nowMs < memory.idleDueMs) return
  memory.idleDueMs = nowMs + idleEveryMs

  const conditions: Condition[] = []
  /** What it found, kept; undefined: it could not be looked at, and is at the next look. */
  const attempt = async <Found>(
    what: string,
    act: () => Promise<Found>,
    fields: object = {},
  ): Promise<Found | undefined> => {
    try {
      signal.throwIfAborted()
      return await act()
    } catch (error) {
      if (error instanceof LeadLost || signal.aborted) throw error
      deps.log.warn({ ...fields, error: messageOf(error) }, `${what}: looks again`)
      return undefined
    }
  }
  const ofLedger = await attempt('how far the ledger is, is not known', () => lookAtLedger(deps, memory, nowMs))
  // Before the checkpoint rows: a task that ends in between was covered and is terminal, never stranded.
  const tasks = await attempt('open tasks are not known', () => deps.openTasks())
  if (tasks !== undefined) await attempt('offsets are not compared', () => lookAtLanes(deps, memory, tasks))
  const ofWorkers = await attempt('the workers of the group are not known', () =>
    lookAtWorkers(deps, memory, live, nowMs),
  )
  const around: Around = {
    tasks,
    workers: ofWorkers?.members,
    recordedThroughMs: memory.reach?.recordedThroughMs ?? Number.NEGATIVE_INFINITY,
    othersMove: (run) =>
      [...memory.stood].some(([id, { sinceMs }]) => id !== run && nowMs - sinceMs < deps.patience.stalledMs),
  }
  const runs = new Set<RunId>()
  for (const run of [...live, ...due]) {
    const ofRun = await attempt('could not look at the run', () => lookAtRun(deps, memory, run, around, signal), {
      runId: run.id,
    })
    if (ofRun === undefined) continue
    conditions.push(...ofRun)
    runs.add(run.id)
  }
  const dueMs = performance.now() + Math.max(deps.patience.endedEveryMs, 10 * (performance.now() - nowMs))
  for (const { id } of due) memory.endedDueMs.set(id, dueMs)
  const ofFacts = await attempt('contradictions are not known', () => lookAtContradictions(deps, memory, nowMs))
  const ofIntents = await attempt('acknowledgements of intents are not known', () => lookAtIntents(deps, memory, live))
  conditions.push(...(ofLedger ?? []), ...(ofFacts ?? []), ...(ofWorkers?.conditions ?? []), ...(ofIntents ?? []))
  const looked: LookedAt = {
    runs,
    isLedgerKnown: ofLedger !== undefined,
    areLanesKnown: tasks?.covered !== undefined,
    areWorkersKnown: ofWorkers?.isKnown === true,
    areIntentsKnown: ofIntents !== undefined,
  }
  await attempt('alerts could not be told', () => tellAlerts(deps, memory, conditions, looked, nowMs))
}

/** Those that have waited longest: of many runs each has its turn. */
function dueRuns({ endedDueMs }: Memory, lately: readonly LiveRun[], nowMs: number): readonly LiveRun[] {
  const dueMs = ({ id }: LiveRun): number => endedDueMs.get(id) ?? 0
  return lately
    .filter((run) => dueMs(run) <= nowMs)
    .sort((a, b) => dueMs(a) - dueMs(b))
    .slice(0, endedAtOnce)
}

async function lookAtLedger(deps: Supervising, memory: Memory, nowMs: number): Promise<readonly Condition[]> {
  const place = await ledgerPlace(deps.pool, deps.schema, deps.statusTopic, await deps.statusEnds())
  const reach = ledgerReach(memory.reach, place, nowMs)
  remember(memory, { reach })
  const behindMs = nowMs - reach.awaited.atMs
  if (place.behind === 0 || behindMs < deps.patience.ledgerLagMs) return []
  const message = `${place.behind} events are not recorded, the oldest for ${Math.round(behindMs / 1000)} s`
  return [condition('ledgerLag', {}, message)]
}

async function lookAtContradictions(deps: Supervising, memory: Memory, nowMs: number): Promise<readonly Condition[]> {
  if (nowMs >= memory.contradictionsDueMs) {
    const contradictions = await listContradictions(deps.pool, deps.schema)
    remember(memory, { contradictions, contradictionsDueMs: nowMs + contradictionsEveryMs })
  }
  return contradictionConditions(memory.contradictions, deps.now(), deps.patience.lookBackMs)
}

async function lookAtLanes(deps: Supervising, memory: Memory, { lanes }: TasksNow): Promise<void> {
  const found = laneFindings(memory.lanes, lanes)
  if (found.length > 0) {
    await requireLead(deps)
    for (const { kind, topicPartition, message } of found) deps.log.warn({ kind, topicPartition }, message)
    await deps.status.publish(
      found.map(({ kind, topicPartition, message }) => repairMade(kind, { topicPartition }, message, deps.now())),
    )
  }
  remember(memory, { lanes: new Map(lanes.map((lane) => [lane.topicPartition, lane])) })
}
