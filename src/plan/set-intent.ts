// pause, resume, cancel: {intent, state, control sequence + 1, history} in one transaction, then the control message,
// then the event, then the answer. Crashed anywhere after the transaction, the redelivered request does the rest again:
// the message carries the run's whole current intent, and the event and the answer are the same facts.
import type { RunId } from '../contract/ids.ts'
import type { IntentRequest } from '../contract/request.ts'
import type { IntentEvent } from '../contract/status.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { IncomingRecord } from '../status/record-feed.ts'
import type { StatusLog } from '../status/status-log.ts'
import { type AskedRequest, accepted, bodyHashOf, duplicate, rejected } from './answer.ts'
import type { ControlLog } from './control-log.ts'
import { decideIntent } from './decide-intent.ts'
import type { IntentStore } from './intent-store.ts'
import type { KnownRequest, RunStore } from './run-store.ts'

export interface SetIntentDeps {
  readonly runs: Pick<RunStore, 'knownRequest'>
  readonly intents: IntentStore
  readonly control: ControlLog
  readonly status: StatusLog
  now(): Date
  readonly mark?: Mark
  readonly log: Log
}

export interface AskedIntent extends AskedRequest {
  readonly request: IntentRequest
  readonly record: Pick<IncomingRecord, 'topicPartition' | 'offset'>
}

/** Resolves when the request was answered and what it asks for stands in the control topic. */
export async function setIntent(deps: SetIntentDeps, asked: AskedIntent): Promise<void> {
  const { request, record } = asked
  const known = await deps.runs.knownRequest(request.requestKey)
  if (known !== null) return answerAgain(deps, asked, known)
  const run = await deps.intents.read(request)
  const decision =
    run === null
      ? { kind: 'rejected' as const, reasons: [`${request.type} of run ${request.runId}: no such run is known`] }
      : decideIntent(run, request)
  if (run === null || decision.kind === 'rejected')
    return reject(deps, asked, 'reasons' in decision ? decision.reasons : [])
  const entry = { request, bodyHash: bodyHashOf(request), at: deps.now() }
  const { topicPartition, offset } = record
  const isWritten = await deps.intents.write(run, decision, { ...entry, topicPartition, offset })
  // Somebody changed the run meanwhile, or took the key: judged again.
  if (!isWritten) return setIntent(deps, asked)
  deps.log.info({ runId: run.id, request: request.type, state: decision.state, by: request.requestedBy }, 'intent set')
  await deps.mark?.('C1')
  await publishIntent(deps, run.id)
  await deps.mark?.('P2')
  await tell(deps, asked, { backfill: run.backfill, index: run.index, sequence: run.sequence + 1 })
  await deps.status.publish([accepted(asked, run.id, deps.now())])
}

async function answerAgain(deps: SetIntentDeps, asked: AskedIntent, known: KnownRequest): Promise<void> {
  const { request, record } = asked
  const { run } = known
  if (known.bodyHash !== bodyHashOf(request))
    return reject(deps, asked, [
      `request key "${request.requestKey}" belongs to run ${run.id} and to another request: use another request key`,
    ])
  const isRedelivered = known.topicPartition === record.topicPartition && known.offset === record.offset
  await publishIntent(deps, run.id)
  if (isRedelivered && known.intent !== null) await tell(deps, asked, { backfill: run.backfill, ...known.intent })
  await deps.status.publish([(isRedelivered ? accepted : duplicate)(asked, run.id, deps.now())])
}

async function reject(
  { status, now, log }: SetIntentDeps,
  asked: AskedIntent,
  reasons: readonly string[],
): Promise<void> {
  log.info({ requestKey: asked.requestKey, reasons }, 'request rejected')
  await status.publish([rejected(asked, reasons, now())])
}

/**
 * The topic keeps the newest message of a run by its offset, not by its sequence: of two planners that publish at the
 * same time, the one with the older intent may come last. So whoever finds that the run has moved on publishes again.
 */
async function publishIntent({ intents, control }: SetIntentDeps, runId: RunId): Promise<void> {
  for (let published = -1; ; ) {
    const current = await intents.current(runId)
    if (current === null || current.sequence === published) return
    await control.publish(current)
    published = current.sequence
  }
}

interface Written {
  readonly backfill: string
  readonly index: number | null
  readonly sequence: number
}

async function tell(
  { status, now }: SetIntentDeps,
  { request }: AskedIntent,
  { backfill, index, sequence }: Written,
): Promise<void> {
  const told = {
    ...{ version: 1 as const, runId: request.runId, backfill, sequence, requestKey: request.requestKey },
    ...{ requestedBy: request.requestedBy ?? null, reason: request.reason ?? null, at: now().toISOString() },
  }
  const done = ({ pause: 'paused', resume: 'resumed', cancel: 'cancelling' } as const)[request.type]
  const { partitionId } = request
  const event: IntentEvent =
    partitionId === undefined || index === null
      ? { ...told, type: `run.${done}` }
      : { ...told, type: `partition.${done}`, partitionId, index }
  await status.publish([event])
}
