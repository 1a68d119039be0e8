import type { IntentRequest } from '../contract/request.ts'
import type { IntentEvent } from '../contract/status.ts'
import { type AskedChange, type ChangeDeps, changeRun } from './change-run.ts'
import { decideIntent } from './decide-intent.ts'
import type { IntentStore } from './intent-store.ts'

export interface SetIntentDeps extends ChangeDeps {
  readonly intents: IntentStore
}

/** pause, resume, cancel: of a run, or of one of its partitions. */
export function setIntent(deps: SetIntentDeps, asked: AskedChange<IntentRequest>): Promise<void> {
  const { request } = asked
  return changeRun(deps, asked, {
    judge: async () => {
      const run = await deps.intents.read(request)
      if (run === null)
        return { kind: 'rejected', reasons: [`${request.type} of run ${request.runId}: no such run is known`] }
      const decision = decideIntent(run, request)
      if (decision.kind === 'rejected') return decision
      const written = { backfill: run.backfill, index: run.index, sequence: run.sequence + 1 }
      return {
        kind: 'accepted',
        write: (entry) => deps.intents.write(run, decision, { ...entry, request }),
        told: (at) => intended(request, written, at),
      }
    },
    toldAgain: ({ run, intent }, at) =>
      intent === null ? null : intended(request, { backfill: run.backfill, ...intent }, at),
  })
}

interface Written {
  readonly backfill: string
  readonly index: number | null
  readonly sequence: number
}

function intended(request: IntentRequest, { backfill, index, sequence }: Written, at: string): IntentEvent {
  const { runId, requestKey, partitionId } = request
  const told = {
    ...{ version: 1 as const, runId, backfill, sequence, requestKey, at },
    ...{ requestedBy: request.requestedBy ?? null, reason: request.reason ?? null },
  }
  const done = ({ pause: 'paused', resume: 'resumed', cancel: 'cancelling' } as const)[request.type]
  return partitionId === undefined || index === null
    ? { ...told, type: `run.${done}` }
    : { ...told, type: `partition.${done}`, partitionId, index }
}
