import { TerminalError } from '../contract/errors.ts'
import type { RequestMessage } from '../contract/request.ts'
import type { Service } from '../process/service.ts'
import type { IncomingRecord, RecordFeed } from '../status/record-feed.ts'
import { refuse } from './accept-run.ts'
import { readRequest } from './admit-request.ts'
import { type AskedRequest, requestHashOf } from './answer.ts'
import { type ArchiveDeps, archiveRun } from './archive-run.ts'
import { type ReportDeps, reportPlan } from './report-plan.ts'
import { retryRun } from './retry-run.ts'
import { type SetIntentDeps, setIntent } from './set-intent.ts'
import { type StartDeps, startRun } from './start-run.ts'
import { type TuneDeps, tuneRun } from './tune-run.ts'

export interface PlannerDeps extends StartDeps, ReportDeps, SetIntentDeps, TuneDeps, ArchiveDeps {
  readonly runs: StartDeps['runs']
  readonly intents: SetIntentDeps['intents']
  readonly feed: RecordFeed
  readonly topic: string
  readonly groupId: string
}

/**
 * Reads requests; writes runs to the control database, and an answer to every record to the status topic. Crashed
 * anywhere, the redelivered request finds its run by the request key and is answered again. What was accepted is
 * planned (make-plans.ts) and published (publish-tasks.ts) from the control database, whoever accepted it. Never
 * touches source or sink but to check and to pin.
 */
export function createPlanner(deps: PlannerDeps): Service {
  return deps.feed({
    topic: deps.topic,
    groupId: deps.groupId,
    handle: async ({ records }, signal) => {
      for (const record of records) {
        signal.throwIfAborted()
        await answerRecord(deps, record, signal)
      }
    },
  })
}

/** Resolves when the record was answered; rejects when it must be handed over again. */
async function answerRecord(deps: PlannerDeps, record: IncomingRecord, signal: AbortSignal): Promise<void> {
  const bytes = record.value ?? Buffer.alloc(0)
  let asked: AskedRequest = { requestKey: null, requestHash: requestHashOf(undefined, bytes) }
  try {
    const json = await record.json()
    await deps.mark?.('R1')
    const read = readRequest(json)
    const requestHash = requestHashOf(json, bytes)
    asked = { requestKey: read.kind === 'request' ? read.request.requestKey : read.requestKey, requestHash }
    if (read.kind === 'invalid') await refuse(deps, asked, read.reasons)
    else await answerRequest(deps, { ...asked, request: read.request, record }, signal)
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error
    await refuse(deps, asked, error.reasons)
  }
}

interface Asked extends AskedRequest {
  readonly request: RequestMessage
  readonly record: IncomingRecord
}

function answerRequest(deps: PlannerDeps, { request, ...asked }: Asked, signal: AbortSignal): Promise<void> {
  switch (request.type) {
    case 'start':
      return (request.dryRun === true ? reportPlan : startRun)(deps, { ...asked, request }, signal)
    case 'retry':
      return retryRun(deps, { ...asked, request }, signal)
    case 'tune':
      return tuneRun(deps, { ...asked, request })
    case 'archive':
      return archiveRun(deps, { ...asked, request })
    case 'pause':
    case 'resume':
    case 'cancel':
      return setIntent(deps, { ...asked, request })
  }
}
