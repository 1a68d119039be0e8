import type { TuneRequest } from '../contract/request.ts'
import type { RunChanges, StatusEvent } from '../contract/status.ts'
import { type AskedChange, type ChangeDeps, changeRun } from './change-run.ts'
import { decideTune } from './decide-tune.ts'
import type { TuneStore } from './tune-store.ts'

export interface TuneDeps extends ChangeDeps {
  readonly tunings: TuneStore
}

/** Limits, priority and weight of a live run. */
export function tuneRun(deps: TuneDeps, asked: AskedChange<TuneRequest>): Promise<void> {
  const { request } = asked
  return changeRun(deps, asked, {
    judge: async () => {
      const run = await deps.tunings.read(request.runId)
      if (run === null) return { kind: 'rejected', reasons: [`tune of run ${request.runId}: no such run is known`] }
      const decision = decideTune(run, request)
      if (decision.kind === 'rejected') return decision
      const { changes } = decision
      return {
        kind: 'accepted',
        write: (entry) => deps.tunings.write(run, decision, { ...entry, request }),
        told: (at) => tuned(request, run.backfill, { sequence: run.sequence + 1, changes }, at),
      }
    },
    toldAgain: ({ run, intent }, at) => {
      if (intent === null || intent.changes === null) return null
      return tuned(request, run.backfill, { sequence: intent.sequence, changes: intent.changes }, at)
    },
  })
}

function tuned(
  { runId, requestKey, requestedBy, reason }: TuneRequest,
  backfill: string,
  written: { readonly sequence: number; readonly changes: RunChanges },
  at: string,
): StatusEvent {
  return {
    ...{ version: 1, type: 'run.tuned', runId, backfill, requestKey, ...written, at },
    ...{ requestedBy: requestedBy ?? null, reason: reason ?? null },
  }
}
