// Reads: definitions with a schedule, the clock, and table schedule. Writes: start requests to their topic, what was left
// out to the status topic, and to table schedule up to when it has decided.
// On a crash: what was decided stands there before it is told, so the same is told again; a request made twice is a duplicate.
// Never: decides about a due time twice, or makes a run itself.
import type { BackfillId } from '../contract/ids.ts'
import type { RequestMessageInput } from '../contract/request.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Definitions } from '../define/discover.ts'
import type { Schedule } from '../define/schedule.ts'
import type { Leadership } from '../postgres/leadership.ts'
import type { Log } from '../process/log.ts'
import type { StatusLog } from '../status/status-log.ts'
import { type DueTimes, dueTimes } from './due-times.ts'
import { scheduleRequests } from './schedule-requests.ts'
import type { Decided, ScheduleStore } from './schedule-store.ts'

export interface KeepSchedulesDeps {
  readonly leadership: Leadership
  readonly schedules: ScheduleStore
  readonly definitions: Definitions
  readonly status: StatusLog
  /** Produces a request. */
  ask(this: void, request: RequestMessageInput): Promise<void>
  now(this: void): Date
  readonly log: Log
}

/** Asks for the runs that are due, of every definition with a schedule. */
export async function keepSchedules(deps: KeepSchedulesDeps, signal: AbortSignal): Promise<boolean> {
  if (!(await deps.leadership.held())) return false
  const failures: unknown[] = []
  for (const { backfill } of deps.definitions.all()) {
    if (backfill.schedule === null) continue
    signal.throwIfAborted()
    // One that fails does not hold up the others.
    await keepOne(deps, backfill.id, backfill.schedule).catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures)
  return false
}

async function keepOne(deps: KeepSchedulesDeps, backfill: BackfillId, schedule: Schedule): Promise<void> {
  const now = deps.now()
  const { handled, decided } = await deps.schedules.begin(backfill, schedule, now)
  if (decided !== null) return carryOut(deps, backfill, handled, decided)
  const due = dueTimes(schedule, handled, now)
  const last = due.run.at(-1)
  if (last === undefined) return
  const decision = decisionOf(backfill, schedule, due)
  if (await deps.schedules.decide(backfill, handled, last, decision)) await carryOut(deps, backfill, last, decision)
}

const decisionOf = (backfill: BackfillId, schedule: Schedule, due: DueTimes): Decided => ({
  requests: scheduleRequests(backfill, schedule, due),
  skipped:
    due.skipped === null
      ? null
      : { ...due.skipped, from: due.skipped.from.toISOString(), to: due.skipped.to.toISOString() },
})

async function carryOut(
  { schedules, status, ask, now, log }: KeepSchedulesDeps,
  backfill: BackfillId,
  upTo: Date,
  { requests, skipped }: Decided,
): Promise<void> {
  if (skipped !== null) {
    log.warn({ backfill, ...skipped }, 'due times of a schedule were missed and are not made up for')
    const event: StatusEvent = { version: 1, type: 'schedule.skipped', backfill, ...skipped, at: now().toISOString() }
    await status.publish([event])
  }
  for (const request of requests) {
    await ask(request)
    log.info({ backfill, requestKey: request.requestKey }, 'asked for a run that is due')
  }
  await schedules.carriedOut(backfill, upTo)
}
