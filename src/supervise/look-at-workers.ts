import type { WorkerId } from '../contract/ids.ts'
import type { Condition } from './alerts.ts'
import { recordedWorkers } from './known-workers.ts'
import type { LiveRun } from './live-runs.ts'
import { type Memory, remember, requireLead, type Supervising } from './supervising.ts'
import { heardSince, silentWorkers, workerConditions, workerLost } from './worker-rules.ts'

/** Workers tell every few seconds: they need not be asked about at every look. */
const heardEveryMs = 5_000

export interface WorkersFound {
  /** Of the group; undefined: nobody needed to know. */
  readonly members: readonly WorkerId[] | undefined
  readonly conditions: readonly Condition[]
  /** What workers told is recorded, so that one that is not heard of has said nothing. */
  readonly isKnown: boolean
}

/** The group is asked only when somebody needs to know who is in it. */
export async function lookAtWorkers(
  deps: Supervising,
  memory: Memory,
  live: readonly LiveRun[],
  nowMs: number,
): Promise<WorkersFound> {
  if (nowMs >= memory.heardDueMs) {
    const recorded = await recordedWorkers(deps.pool, deps.schema, deps.now())
    remember(memory, { heard: heardSince(memory.heard, recorded, nowMs), heardDueMs: nowMs + heardEveryMs })
  }
  const { workerSilentMs, stalledMs } = deps.patience
  const { heard } = memory
  const now = deps.now()
  const silent = silentWorkers(heard, workerSilentMs, nowMs)
  const stands = live.some(({ id }) => nowMs - (memory.stood.get(id)?.sinceMs ?? nowMs) >= stalledMs)
  if (silent.length === 0 && !stands)
    return { members: undefined, conditions: workerConditions(heard, [], nowMs, now), isKnown: true }
  const members = await deps.workers()
  // Of a ledger that is late nothing can be said: what workers told is not recorded yet.
  const isLate = nowMs - (memory.reach?.recordedThroughMs ?? 0) > workerSilentMs / 2
  const gone = isLate ? [] : silent.filter(({ worker }) => !members.includes(worker))
  const untold = gone.filter(({ instance }) => !memory.lost.has(instance))
  if (untold.length > 0) {
    await requireLead(deps)
    await deps.status.publish(untold.map((one) => workerLost(one, nowMs, now)))
    for (const { instance } of untold) memory.lost.add(instance)
  }
  return { members, conditions: workerConditions(heard, gone, nowMs, now), isKnown: !isLate }
}
