import { RetryableError } from '../contract/errors.ts'
import type { RequestKey, RunId, Sha256 } from '../contract/ids.ts'
import { isAnswer, type StatusEvent } from '../contract/status.ts'
import { createRunFold, type RunFold, type RunProgress } from '../status/fold-run.ts'
import type { Bookmark } from './bookmark.ts'
import type { Listening, ReadEvent } from './event-stream.ts'
import { createPatience } from './patience.ts'
import { isWanted } from './watched-event.ts'

/** A request as it was sent. */
export interface Sent {
  readonly requestKey: RequestKey
  /** SHA-256 of its canonical JSON. */
  readonly requestHash: Sha256
}

/** What the planner says to a request: `request.accepted`, `.duplicate`, `.rejected` with every reason; `.reported` to a dry run. */
export type Answer = Extract<StatusEvent, { readonly requestHash: Sha256 }>

export const isAnswerTo = ({ requestKey, requestHash }: Sent, event: StatusEvent): event is Answer =>
  (isAnswer(event) || event.type === 'request.reported') &&
  event.requestKey === requestKey &&
  event.requestHash === requestHash

/** What to say when it did not come in time. */
export const noAnswer = (requestKey: RequestKey): string =>
  `request "${requestKey}" stands on the topic and has no answer yet: is a planner running ("tidemark planner")?`

/** An event that was told, with its bookmark, which is made when it is asked for, before the next event is. */
export interface Told {
  readonly event: StatusEvent
  bookmark(): Bookmark
}

/** A run as its events tell it. They are read as they are asked for. */
export interface RunEvents extends AsyncIterable<Told> {
  /** Settles when the answer was read; rejects when the events end before. Of a run that was known: pending. */
  readonly answered: Promise<Answer>
  /** Undefined until the run is known. */
  progress(): RunProgress | undefined
}

/** How long to listen, when the end was told, for events before it that may have been lost for good. */
const lateEventsMs = 2_000

/**
 * The events of a run that is known, or of the run that a request asks for, until it has ended; of a request that asks for
 * none, until the answer. They stand on different topic partitions: the answer to the request may come after the first of
 * them, and the end before the last. The end is handed over last all the same, when each partition's end was told, or
 * nothing of the run has come for a while. Ends, without the end of the run, when the signal aborts.
 */
export function runEvents(listening: Listening, wanted: RunId | Sent, signal: AbortSignal): RunEvents {
  const answered = Promise.withResolvers<Answer>()
  answered.promise.catch(() => {})
  let fold: RunFold | undefined
  let runId: RunId | undefined
  const begin = (id: RunId): void => {
    runId = id
    fold = createRunFold(id)
  }
  if (typeof wanted === 'string') begin(wanted)

  async function* events(): AsyncGenerator<Told> {
    let end: ReadEvent | undefined
    const keptBack = (): ReadEvent | null => (end?.isNew === true ? end : null)
    // Until all that stood in the topic was read, nothing is late.
    const patience = createPatience(lateEventsMs, listening.end, () => performance.now())
    try {
      const stream = await listening.stream()
      const caughtUp = stream.caughtUp.catch(() => {})
      const [beginning, early] = [stream.bookmark(null), [] as ReadEvent[]]
      for await (const read of stream) {
        const { event } = read
        patience.come(isWanted(event, { runId }))
        if (typeof wanted !== 'string' && isAnswerTo(wanted, event)) {
          answered.resolve(event)
          if (!('runId' in event)) return
          if (fold === undefined) begin(event.runId)
        }
        if (fold === undefined) {
          early.push(read)
          continue
        }
        // What came before the answer was told: the events of the run are handed over when the run is known.
        for (const one of [...early.splice(0), read]) {
          if (!isWanted(one.event, { runId })) continue
          fold.apply(one.event)
          if (isEnd(one.event)) end ??= one
          else if (one.isNew)
            yield { event: one.event, bookmark: () => (one === read ? stream.bookmark(keptBack()) : beginning) }
        }
        if (end !== undefined && fold.progress().toldCompletely) break
        if (end !== undefined) void caughtUp.then(patience.begin)
        patience.wait()
      }
      if (signal.aborted || end === undefined) return
      const { event, isNew } = end
      if (isNew) yield { event, bookmark: () => stream.bookmark(null) }
    } catch (error) {
      answered.reject(error)
      throw error
    } finally {
      patience.stop()
      listening.end()
      answered.reject(new RetryableError('TIMED_OUT', 'nobody listened any more when the answer came'))
    }
  }
  const iterator = events()
  return {
    answered: answered.promise,
    progress: () => fold?.progress(),
    [Symbol.asyncIterator]: () => iterator,
  }
}

const isEnd = ({ type }: StatusEvent): boolean =>
  type === 'run.completed' || type === 'run.failed' || type === 'run.cancelled'
