import { messageOf } from '../contract/errors.ts'
import type { RunId, WorkerId } from '../contract/ids.ts'
import { isTerminalRun } from '../contract/states.ts'
import type { Sink } from '../sink/sink.ts'
import type { Condition } from './alerts.ts'
import type { LiveRun } from './live-runs.ts'
import { repairMade } from './repairs.ts'
import { type Memory, requireLead, type Supervising } from './supervising.ts'
import { disobedient, dueIntents, isForced, lateIntent, type StandingIntent } from './watch-intents.ts'

/** Who does not obey in time. What need not wait for them is done without them, which is told once. */
export async function lookAtIntents(
  deps: Supervising,
  memory: Memory,
  live: readonly LiveRun[],
): Promise<readonly Condition[]> {
  const now = deps.now()
  const standing = live.flatMap(({ id: runId, backfill, state, intent, controlSequence: sequence, intendedAt }) =>
    intendedAt === null || isTerminalRun(state) || memory.obeyed.get(runId) === sequence
      ? []
      : [{ runId, backfill, intent, sequence, at: intendedAt.toISOString() }],
  )
  const due = dueIntents(standing, now, deps.patience)
  const workers = due.length === 0 ? [] : await deps.workers()
  const conditions: Condition[] = []
  const withheld = new Set<RunId>()
  for (const one of due) {
    const missing = disobedient(one, workers, await deps.runs.acknowledged(one.runId))
    conditions.push(...lateIntent(one, missing, now, deps.patience))
    if (missing.length === 0) memory.obeyed.set(one.runId, one.sequence)
    else if (isForced(one, now, deps.patience)) {
      if (one.intent === 'paused') withheld.add(one.runId)
      await force(deps, memory, one, missing)
    }
  }
  await releaseOthers(deps, memory, withheld)
  return conditions
}

/** How long a partition is withheld after the look that did it: as long as a supervisor needs to take over. */
const withholdMs = 30_000

async function force(
  deps: Supervising,
  memory: Memory,
  { runId, backfill, intent, sequence }: StandingIntent,
  missing: readonly WorkerId[],
): Promise<void> {
  const isTold = memory.forced.get(runId) === sequence
  if (isTold && intent === 'cancelled') return
  await requireLead(deps)
  if (intent === 'paused') {
    try {
      const taken = await (await sinkOf(deps, backfill)).withhold(runId, missing, withholdMs)
      memory.withheld.set(runId, backfill)
      if (taken > 0)
        deps.log.warn({ runId, workers: missing, partitions: taken }, 'taken from workers that do not pause')
    } catch (error) {
      // Whoever is to hear that they do not obey need not wait for the sink.
      deps.log.warn(
        { runId, error: messageOf(error) },
        'nothing could be taken from workers that do not pause: tries again',
      )
      return
    }
  }
  if (isTold) return
  const done =
    intent === 'cancelled'
      ? 'the cancel: it was carried out in the sink, where they are fenced'
      : 'the pause: what they hold of the run is taken from them in the sink, as often as they claim it'
  const message = `${missing.length === 1 ? '1 worker does' : `${missing.length} workers do`} not obey ${done}`
  await deps.status.publish([repairMade('intentForced', { runId, backfill }, message, deps.now())])
  memory.forced.set(runId, sequence)
}

/** Of a run that goes on, or that all obey: whoever may now need not wait until it ends by itself. */
async function releaseOthers(deps: Supervising, memory: Memory, withheld: ReadonlySet<RunId>): Promise<void> {
  for (const [runId, backfill] of memory.withheld) {
    if (withheld.has(runId)) continue
    await requireLead(deps)
    await (await sinkOf(deps, backfill)).release(runId)
    memory.withheld.delete(runId)
  }
}

const sinkOf = (deps: Supervising, backfill: string): Promise<Sink> => deps.openSink(deps.definitions.get(backfill))
