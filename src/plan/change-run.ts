// A request that changes what is wanted of a run: {the change, its history, the request key's claim} in one transaction,
// then the control message, then the event, then the answer. Crashed anywhere after the transaction, the redelivered
// request does the rest again: the message carries all that is wanted of the run, event and answer are the same facts.
import type { RunId } from '../contract/ids.ts'
import type { RequestMessage } from '../contract/request.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { IncomingRecord } from '../status/record-feed.ts'
import type { StatusLog } from '../status/status-log.ts'
import { type AskedRequest, accepted, bodyHashOf, duplicate, rejected } from './answer.ts'
import type { ControlLog } from './control-log.ts'
import type { ChangeEntry, IntentStore } from './intent-store.ts'
import type { KnownRequest, RunStore } from './run-store.ts'

export interface ChangeDeps {
  readonly runs: Pick<RunStore, 'knownRequest'>
  readonly intents: Pick<IntentStore, 'current'>
  readonly control: ControlLog
  readonly status: StatusLog
  now(): Date
  readonly mark?: Mark
  readonly log: Log
}

type ChangeRequest = Exclude<RequestMessage, { type: 'start' | 'retry' }>

export interface AskedChange<Request extends ChangeRequest = ChangeRequest> extends AskedRequest {
  readonly request: Request
  readonly record: Pick<IncomingRecord, 'topicPartition' | 'offset'>
}

/** What a request would make of its run, as it was found. */
export type Judged =
  | { readonly kind: 'rejected'; readonly reasons: readonly string[] }
  | {
      readonly kind: 'accepted'
      /** False: the run is not as it was found any more. */
      write(entry: ChangeEntry): Promise<boolean>
      /** The event that tells it. */
      told(at: string): StatusEvent
    }

export interface Change {
  judge(): Promise<Judged>
  /** The event of the change that the request made when it was read before; null: it made none. */
  toldAgain(known: KnownRequest, at: string): StatusEvent | null
}

/** Resolves when the request was answered and what it asks for stands in the control topic. */
export async function changeRun(deps: ChangeDeps, asked: AskedChange, change: Change): Promise<void> {
  const { request, record } = asked
  const known = await deps.runs.knownRequest(request.requestKey)
  if (known !== null) return answerAgain(deps, asked, change, known)
  const judged = await change.judge()
  if (judged.kind === 'rejected') return reject(deps, asked, judged.reasons)
  const { topicPartition, offset } = record
  const entry = { bodyHash: bodyHashOf(request), at: deps.now(), topicPartition, offset }
  // Somebody changed the run meanwhile, or took the key: judged again.
  if (!(await judged.write(entry))) return changeRun(deps, asked, change)
  deps.log.info({ runId: request.runId, request: request.type, by: request.requestedBy }, 'run changed as asked')
  await deps.mark?.('C1')
  await publishIntent(deps, request.runId)
  await deps.mark?.('P2')
  await deps.status.publish([judged.told(deps.now().toISOString())])
  await deps.status.publish([accepted(asked, request.runId, deps.now())])
}

async function answerAgain(deps: ChangeDeps, asked: AskedChange, change: Change, known: KnownRequest): Promise<void> {
  const { request, record } = asked
  const { run } = known
  if (known.bodyHash !== bodyHashOf(request))
    return reject(deps, asked, [
      `request key "${request.requestKey}" belongs to run ${run.id} and to another request: use another request key`,
    ])
  const isRedelivered = known.topicPartition === record.topicPartition && known.offset === record.offset
  await publishIntent(deps, run.id)
  const event = isRedelivered ? change.toldAgain(known, deps.now().toISOString()) : null
  if (event !== null) await deps.status.publish([event])
  await deps.status.publish([(isRedelivered ? accepted : duplicate)(asked, run.id, deps.now())])
}

async function reject({ status, now, log }: ChangeDeps, asked: AskedChange, reasons: readonly string[]): Promise<void> {
  log.info({ requestKey: asked.requestKey, reasons }, 'request rejected')
  await status.publish([rejected(asked, reasons, now())])
}

/**
 * The topic keeps the newest message of a run by its offset, not by its sequence: of two planners that publish at the
 * same time, the one with the older intent may come last. So whoever finds that the run has moved on publishes again.
 */
async function publishIntent({ intents, control }: ChangeDeps, runId: RunId): Promise<void> {
  for (let published = -1; ; ) {
    const current = await intents.current(runId)
    if (current === null || current.sequence === published) return
    await control.publish(current)
    published = current.sequence
  }
}
