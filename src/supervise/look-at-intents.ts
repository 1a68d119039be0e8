import { isTerminalRun } from '../contract/states.ts'
import type { Condition } from './alerts.ts'
import type { LiveRun } from './live-runs.ts'
import { repairMade } from './repairs.ts'
import { type Memory, requireLead, type Supervising } from './supervising.ts'
import { dueIntents, isForced, lateIntent } from './watch-intents.ts'

/** Who does not obey in time; that a cancel was carried out without somebody is told once. */
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
  if (due.length === 0) return []
  const workers = await deps.workers()
  const conditions: Condition[] = []
  for (const one of due) {
    const late = lateIntent(one, workers, await deps.runs.acknowledged(one.runId), now, deps.patience)
    conditions.push(...late)
    if (late.length === 0) memory.obeyed.set(one.runId, one.sequence)
    if (late.length === 0 || !isForced(one, now, deps.patience) || memory.forced.get(one.runId) === one.sequence)
      continue
    await requireLead(deps)
    const message = `${late.length} workers do not obey the cancel: it was carried out in the sink, where they are fenced`
    await deps.status.publish([repairMade('intentForced', { runId: one.runId, backfill: one.backfill }, message, now)])
    memory.forced.set(one.runId, one.sequence)
  }
  return conditions
}
