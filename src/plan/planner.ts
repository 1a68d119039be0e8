import { TerminalError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { StartRequest } from '../contract/request.ts'
import type { StatusEvent } from '../contract/status.ts'
import { describeBackfill } from '../define/describe.ts'
import type { Definitions } from '../define/discover.ts'
import type { Mark } from '../process/marks.ts'
import type { Service } from '../process/service.ts'
import type { IncomingRecord, RecordFeed } from '../status/record-feed.ts'
import type { WaitsFor } from './admission.ts'
import { readRequest } from './admit-request.ts'
import { type AdmissionDeps, admitStart } from './admit-start.ts'
import { type AskedRequest, accepted, bodyHashOf, duplicate, rejected, requestHashOf } from './answer.ts'
import { requireApproved } from './approved-plan.ts'
import { cut } from './cut.ts'
import { estimatedRowsOf, rangeOf } from './pinned-domain.ts'
import { outlinePlan } from './plan-hash.ts'
import type { KnownRequest, NewRun, RunStore } from './run-store.ts'
import { type SetIntentDeps, setIntent } from './set-intent.ts'

export interface PlannerDeps extends AdmissionDeps, SetIntentDeps {
  readonly feed: RecordFeed
  readonly topic: string
  readonly groupId: string
  readonly definitions: Definitions
  readonly runs: RunStore
  newRunId(): RunId
  /** There is a run to be planned. */
  planSoon(this: void): void
  readonly mark?: Mark
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

interface Asked extends AskedRequest {
  readonly request: StartRequest
  readonly record: IncomingRecord
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
    if (read.kind === 'invalid') await reject(deps, asked, read.reasons)
    else if (read.request.type === 'start') await start(deps, { ...asked, request: read.request, record }, signal)
    else await setIntent(deps, { ...asked, request: read.request, record })
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error
    await reject(deps, asked, error.reasons)
  }
}

async function reject(
  { status, log, now }: PlannerDeps,
  asked: AskedRequest,
  reasons: readonly string[],
): Promise<void> {
  log.info({ requestKey: asked.requestKey, reasons }, 'request rejected')
  await status.publish([rejected(asked, reasons, now())])
}

async function start(deps: PlannerDeps, asked: Asked, signal: AbortSignal): Promise<void> {
  const { request } = asked
  const known = await deps.runs.knownRequest(request.requestKey)
  if (known !== null) return goOnWith(deps, asked, known)
  const discovered = deps.definitions.get(request.backfill)
  const { bounds, target } = await admitStart(deps, discovered, request, signal)
  const outline = await outlinePlan(discovered.hash, bounds, cut(bounds, discovered.backfill.partitionBy), signal)
  requireApproved(request, { definitionHash: discovered.hash, range: rangeOf(bounds), ...outline })
  const run: NewRun = {
    id: deps.newRunId(),
    requestKey: request.requestKey,
    backfill: discovered.backfill.id,
    definitionHash: discovered.hash,
    definition: describeBackfill(discovered),
    params: request.params,
    target,
    bounds,
    range: rangeOf(bounds),
    estimatedRows: estimatedRowsOf(bounds),
    ...outline,
    priority: request.priority ?? 0,
    weight: request.weight ?? 1,
  }
  const { topicPartition, offset } = asked.record
  await deps.mark?.('R2')
  const admission = await deps.runs.accept(run, { request, bodyHash: bodyHashOf(request), topicPartition, offset })
  // Another planner took the key meanwhile: found on the next look.
  if (admission === null) return start(deps, asked, signal)
  await deps.mark?.('R3')
  deps.log.info({ runId: run.id, requestKey: run.requestKey, partitions: run.partitions }, 'request accepted')
  const place = admission.waiting.get(run.id)
  await deps.status.publish([
    accepted(asked, run.id, deps.now()),
    ...(place === undefined ? [] : [queued(run, place, deps.now())]),
  ])
  deps.planSoon()
}

/** A key that is known: the same record again, the same request in another record, or another request. */
async function goOnWith(deps: PlannerDeps, asked: Asked, known: KnownRequest): Promise<void> {
  const { request, record } = asked
  if (known.bodyHash !== bodyHashOf(request))
    return reject(deps, asked, [
      `request key "${request.requestKey}" belongs to run ${known.run.id}, which was asked for with another backfill or other params: use another request key`,
    ])
  const again = known.topicPartition === record.topicPartition && known.offset === record.offset
  await deps.status.publish([(again ? accepted : duplicate)(asked, known.run.id, deps.now())])
}

function queued(
  { id: runId, backfill }: NewRun,
  { position, waitsFor }: { readonly position: number; readonly waitsFor: WaitsFor },
  now: Date,
): StatusEvent {
  return { version: 1, type: 'run.queued', runId, backfill, position, waitsFor, at: now.toISOString() }
}
