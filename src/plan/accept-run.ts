import type { RunId } from '../contract/ids.ts'
import type { RetryRequest, StartRequest } from '../contract/request.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Log } from '../process/log.ts'
import type { Mark } from '../process/marks.ts'
import type { IncomingRecord } from '../status/record-feed.ts'
import type { StatusLog } from '../status/status-log.ts'
import type { WaitsFor } from './admission.ts'
import { type AskedRequest, accepted, bodyHashOf, duplicate, rejected } from './answer.ts'
import type { KnownRequest, NewRun, RunStore } from './run-store.ts'

export interface AcceptDeps {
  readonly runs: RunStore
  readonly status: StatusLog
  newRunId(): RunId
  /** There is a run to be planned. */
  planSoon(this: void): void
  now(): Date
  readonly mark?: Mark
  readonly log: Log
}

export interface AskedRun<Request extends StartRequest | RetryRequest = StartRequest | RetryRequest>
  extends AskedRequest {
  readonly request: Request
  readonly record: Pick<IncomingRecord, 'topicPartition' | 'offset'>
}

/**
 * Stores the run that a request asks for, with its bounds and its place in the queue, and answers. A request key that is
 * known has its run: nothing is made again. `make` throws TerminalError with every reason why there is to be none.
 */
export async function acceptRun(deps: AcceptDeps, asked: AskedRun, make: () => Promise<NewRun>): Promise<void> {
  const { request, record } = asked
  const known = await deps.runs.knownRequest(request.requestKey)
  if (known !== null) return answerAgain(deps, asked, known)
  const run = await make()
  const { topicPartition, offset } = record
  await deps.mark?.('R2')
  const admission = await deps.runs.accept(run, { request, bodyHash: bodyHashOf(request), topicPartition, offset })
  // Another planner took the key, or the run to follow, meanwhile: found on the next look.
  if (admission === null) return acceptRun(deps, asked, make)
  await deps.mark?.('R3')
  deps.log.info({ runId: run.id, requestKey: run.requestKey, partitions: run.partitions }, 'request accepted')
  const place = admission.waiting.get(run.id)
  await deps.status.publish([
    accepted(asked, run.id, deps.now()),
    ...(place === undefined ? [] : [queued(run, place, deps.now())]),
  ])
  deps.planSoon()
}

/** The same record again, the same request in another record, or another request. */
async function answerAgain(deps: AcceptDeps, asked: AskedRun, known: KnownRequest): Promise<void> {
  const { request, record } = asked
  if (known.bodyHash !== bodyHashOf(request))
    return refuse(deps, asked, [
      `request key "${request.requestKey}" belongs to run ${known.run.id}, which was asked for with another backfill or other params: use another request key`,
    ])
  const again = known.topicPartition === record.topicPartition && known.offset === record.offset
  await deps.status.publish([(again ? accepted : duplicate)(asked, known.run.id, deps.now())])
}

export async function refuse(
  { status, log, now }: Pick<AcceptDeps, 'status' | 'log' | 'now'>,
  asked: AskedRequest,
  reasons: readonly string[],
): Promise<void> {
  log.info({ requestKey: asked.requestKey, reasons }, 'request rejected')
  await status.publish([rejected(asked, reasons, now())])
}

function queued(
  { id: runId, backfill }: NewRun,
  { position, waitsFor }: { readonly position: number; readonly waitsFor: WaitsFor },
  now: Date,
): StatusEvent {
  return { version: 1, type: 'run.queued', runId, backfill, position, waitsFor, at: now.toISOString() }
}
