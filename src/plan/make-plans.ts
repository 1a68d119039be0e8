import { noTotals } from '../contract/certificate.ts'
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Definitions } from '../define/discover.ts'
import type { Leadership } from '../postgres/leadership.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { StatusLog } from '../status/status-log.ts'
import type { AdmissionStore } from './admission-store.ts'
import type { Run } from './run.ts'
import type { RunStore } from './run-store.ts'
import { writePlan } from './write-plan.ts'

export interface PlanMakerDeps {
  readonly leadership: Leadership
  readonly admission: AdmissionStore
  readonly runs: RunStore
  readonly definitions: Definitions
  readonly status: StatusLog
  /** There is a plan whose tasks may be published. */
  publishSoon(this: void): void
  now(this: void): Date
  readonly mark?: Mark
  readonly log: Log
}

/**
 * Lets queued runs begin, writes what is missing of their plans, tells each plan when it is complete, and lets its run begin: in
 * this order, so that a crash in between tells it again. One planner of many does it; two at once fence each other at
 * every page. True: there may be more.
 */
export async function makePlans(deps: PlanMakerDeps, signal: AbortSignal): Promise<boolean> {
  if (!(await deps.leadership.held())) return false
  for (const run of await deps.admission.expire()) {
    const reason = `it waited in the queue until ${run.expiredAt.toISOString()}, when it was to expire`
    deps.log.warn({ runId: run.id }, `a queued run fails: ${reason}`)
    await tellFailed(deps, run, reason)
  }
  await deps.admission.admit()
  const [run] = await deps.runs.planning()
  if (run === undefined) return false
  try {
    await makePlan(deps, run, signal)
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error
    deps.log.error({ runId: run.id, error: messageOf(error) }, 'the run cannot be planned: it fails')
    await giveUp(deps, run, messageOf(error))
  }
  return true
}

async function makePlan(deps: PlanMakerDeps, run: Run, signal: AbortSignal): Promise<void> {
  const { runs, definitions, status, mark, log, now } = deps
  await writePlan(deps, run, definitions.get(run.backfill), signal)
  const at = now()
  await status.publish([planned(run, at)])
  await mark?.('R7')
  const isBegun = await runs.markPlanned(run.id, at)
  log.info(
    { runId: run.id, requestKey: run.requestKey, partitions: run.partitions },
    isBegun ? 'run planned' : 'run cancelled while it was being planned',
  )
  if (isBegun) deps.publishSoon()
}

/** A run that cannot be planned any more must not keep its target. Crashed in the middle, the supervisor tells it. */
async function giveUp(deps: PlanMakerDeps, run: Run, reason: string): Promise<void> {
  if (await deps.runs.failPlanning(run.id, deps.now())) await tellFailed(deps, run, reason)
}

async function tellFailed(
  { runs, status, now }: PlanMakerDeps,
  { id: runId, backfill, partitions }: Pick<Run, 'id' | 'backfill' | 'partitions'>,
  reason: string,
): Promise<void> {
  const end = { state: 'failed', partitions, partitionsFailed: 0, partitionsCancelled: 0, totals: noTotals } as const
  await status.publish([{ version: 1, type: 'run.failed', runId, backfill, ...end, reason, at: now().toISOString() }])
  await runs.markEndTold(runId)
}

function planned(run: Run, now: Date): StatusEvent {
  const { id: runId, backfill, requestKey, definitionHash, planHash, partitions, range, estimatedRows } = run
  const plan = { definitionHash, planHash, partitions, range, estimatedRows }
  return { version: 1, type: 'run.planned', runId, backfill, requestKey, ...plan, at: now.toISOString() }
}
