import type { RequestKey, RunId, Sha256 } from '../../contract/ids.ts'
import { isAnswer, type RequestAnswer, type StatusEvent } from '../../contract/status.ts'
import { createRunFold, type RunFold, type RunProgress } from '../../status/fold-run.ts'
import { EndedWith, exitCodes } from '../exit-code.ts'

/** A run that is known, or the request whose run it will be. */
export type Wanted = { readonly runId: RunId } | { readonly requestKey: RequestKey; readonly requestHash: Sha256 }

export interface RunWatch {
  /** Resolves with the run. Rejects with EndedWith (usage) when the request was rejected, with every reason. */
  readonly answered: Promise<{ readonly runId: RunId; readonly duplicate: boolean }>
  /** Resolves when the plan is made. */
  readonly planned: Promise<void>
  /** Resolves when the run has ended, with all that its events told; never, when the events end before. */
  readonly ended: Promise<RunProgress>
  /** Undefined until the run is known. */
  progress(): RunProgress | undefined
}

/** How long to listen, when the end was told, for events before it that may have been lost for good. */
const lateEventsMs = 2_000

/**
 * Reads status events until the run has ended. Its events stand on different topic partitions: the answer to the
 * request may come after the first of them, and its end before the last. `onEvent` gets the end last all the same.
 */
export function watchRun(
  events: AsyncIterable<StatusEvent>,
  wanted: Wanted,
  onEvent?: (event: StatusEvent) => void,
): RunWatch {
  const answered = Promise.withResolvers<{ runId: RunId; duplicate: boolean }>()
  const planned = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<RunProgress>()
  for (const { promise } of [answered, planned, ended]) promise.catch(() => {})
  const early: StatusEvent[] = []
  let fold: RunFold | undefined
  let runId: RunId | undefined
  let end: StatusEvent | undefined
  let closed = false

  const close = (run: RunFold): void => {
    if (closed || end === undefined) return
    closed = true
    onEvent?.(end)
    ended.resolve(run.progress())
  }
  const tell = (event: StatusEvent, run: RunFold): void => {
    if (closed || !('runId' in event) || event.runId !== runId) return
    run.apply(event)
    if (event.type === 'run.planned') planned.resolve()
    if (event.type === 'run.completed' || event.type === 'run.failed' || event.type === 'run.cancelled') {
      if (end === undefined) setTimeout(() => close(run), lateEventsMs).unref()
      end = event
    } else onEvent?.(event)
    if (end !== undefined && run.progress().toldCompletely) close(run)
  }
  const begin = (id: RunId, duplicate: boolean): void => {
    if (fold !== undefined) return
    runId = id
    fold = createRunFold(id)
    answered.resolve({ runId: id, duplicate })
    for (const event of early.splice(0)) tell(event, fold)
  }
  const hear = (answer: RequestAnswer): void => {
    if (!('requestKey' in wanted)) return
    if (answer.requestKey !== wanted.requestKey || answer.requestHash !== wanted.requestHash) return
    if (answer.type === 'request.rejected')
      answered.reject(
        new EndedWith(exitCodes.usage, `request "${answer.requestKey}" was rejected: ${answer.reasons.join('; ')}`, {
          reasons: answer.reasons,
        }),
      )
    else begin(answer.runId, answer.type === 'request.duplicate')
  }
  const read = async (): Promise<void> => {
    for await (const event of events) {
      if (isAnswer(event)) hear(event)
      if (fold === undefined) early.push(event)
      else tell(event, fold)
      if (closed) return
    }
  }

  if ('runId' in wanted) begin(wanted.runId, false)
  read().catch((error: unknown) => {
    for (const { reject } of [answered, planned, ended]) reject(error)
  })
  return {
    answered: answered.promise,
    planned: planned.promise,
    ended: ended.promise,
    progress: () => fold?.progress(),
  }
}
