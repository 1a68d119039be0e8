import { RetryableError } from '../contract/errors.ts'
import type { RunId } from '../contract/ids.ts'
import type { RequestMessageInput } from '../contract/request.ts'
import { createRunFold, type RunProgress } from '../status/fold-run.ts'
import { createListening, type From, type Listening } from './event-stream.ts'
import type { EventType, Skipped } from './read-event.ts'
import { createRecentIds } from './recent-ids.ts'
import type { StatusTopic } from './status-topic.ts'
import { type Answer, isAnswerTo, noAnswer, type RunEvents, runEvents, type Sent, type Told } from './watch-run.ts'
import { type EventFilter, isWanted, type WatchedEvent, watchedEvent } from './watched-event.ts'

/** A program's way in and out: requests, and what happens. The topics are the API; this is a convenience. */
export interface Client {
  /** Produces the request as any Kafka client would; resolves when it is acknowledged, not when it is answered. */
  send(request: RequestMessageInput): Promise<Sent>
  /**
   * Sends a request, and resolves with the planner's answer, also when that is a refusal (`request.rejected`, with every
   * reason). Throws RetryableError: KAFKA_UNREACHABLE, and TIMED_OUT when no answer came in time. The request may be sent
   * again as it is then: the same key and body are the same run for ever.
   */
  submit(request: RequestMessageInput, options?: SubmitOptions): Promise<Answer>
  /** The events of one run, until it has ended and all of it was told. */
  watchRun(runId: RunId, options?: WatchRunOptions): RunWatch
  /** Events as they are told, without end. */
  watch<const Type extends EventType = EventType>(options?: WatchOptions<Type>): Watch<Type>
  /** Records that were left out so far: malformed, or told by a newer version. */
  readonly skipped: Readonly<Skipped>
  /** Ends everything that was begun with this client. */
  close(): Promise<void>
}

/** What commands want besides: events without bookmarks, and one stream from a request to the end of its run. */
export interface CommandClient extends Client {
  /** Sends a request for a run, and follows that. Resolves when the request is acknowledged. */
  start(request: RequestMessageInput, from: 'beginning' | 'now', signal: AbortSignal): Promise<RunEvents>
  /** A run that is known, from its first event on. */
  follow(runId: RunId, signal: AbortSignal): RunEvents
}

export interface SubmitOptions {
  /** How long to wait for the answer. Default 30 s. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface WatchRunOptions {
  /** Default: the beginning. With a bookmark, what was told before it is read too, for `progress`, and not handed over. */
  readonly from?: From | undefined
  /** Ends the iteration, without an error. */
  readonly signal?: AbortSignal | undefined
  /** Leaves out what was handed over not long ago: the last 50,000 facts are remembered, and up to twice as many. */
  readonly dropDuplicates?: boolean | undefined
}

export interface WatchOptions<Type extends EventType = EventType> extends WatchRunOptions, EventFilter<Type> {
  /** Default: now, which is when `listen` resolves, or the first event is asked for. */
  readonly from?: From | undefined
}

/**
 * Events, each after the one before was asked for: a slow reader makes Kafka wait, not memory grow. To be iterated once.
 * Throws, from `listen` or the iteration, RetryableError (KAFKA_UNREACHABLE, REGISTRY_UNREACHABLE) and TerminalError
 * (TOPIC_MISSING; for a bookmark MESSAGE_INVALID, SCHEMA_NEWER, TOPIC_MISMATCH, NOT_FOUND): the last bookmark goes on.
 */
export interface Watch<Type extends EventType = EventType> extends AsyncIterable<WatchedEvent<Type>> {
  /** Resolves when it listens: what is told from then on comes. Iterating listens by itself. */
  listen(): Promise<void>
}

export interface RunWatch extends Watch {
  /** Where the run stands, as far as its events were read. */
  progress(): RunProgress
}

/** What a client is made of. */
export interface ClientDeps {
  readonly topic: StatusTopic
  send(request: RequestMessageInput): Promise<Sent>
  close(): Promise<void>
}

const answerLimitMs = 30_000
const mostIds = 100_000

export function createClient({ topic, send, close }: ClientDeps): CommandClient {
  const skipped: Skipped = { malformed: 0, newer: 0 }
  const closed = new AbortController()
  const until = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal])

  const listen = (from: From, signal: AbortSignal, again = false): Listening =>
    createListening(topic, { from, again, signal, skipped })

  return {
    send,
    skipped,
    submit: async (request, { timeoutMs = answerLimitMs, signal } = {}) => {
      const late = AbortSignal.timeout(timeoutMs)
      const listening = listen('now', AbortSignal.any([until(signal), late]))
      try {
        // Listening first: the answer must not come before somebody listens.
        const events = await listening.stream()
        const sent = await send(request)
        for await (const { event } of events) if (isAnswerTo(sent, event)) return event
        signal?.throwIfAborted()
        throw new RetryableError('TIMED_OUT', noAnswer(sent.requestKey))
      } finally {
        listening.end()
      }
    },
    start: async (request, from, signal) => {
      const all = until(signal)
      const listening = listen(from, all)
      try {
        await listening.stream()
        return runEvents(listening, await send(request), all)
      } catch (error) {
        listening.end()
        throw error
      }
    },
    follow: (runId, signal) => {
      const all = until(signal)
      return runEvents(listen('beginning', all), runId, all)
    },
    watchRun: (runId, { from = 'beginning', signal, dropDuplicates } = {}) => {
      const all = until(signal)
      const listening = listen(from, all, true)
      const events = runEvents(listening, runId, all)
      const nothing = createRunFold(runId)
      return {
        ...watchOf(events, listening, {}, dropDuplicates),
        progress: () => events.progress() ?? nothing.progress(),
      }
    },
    watch: ({ from = 'now', signal, dropDuplicates, ...filter } = {}) => {
      const listening = listen(from, until(signal))
      return watchOf(everything(listening), listening, filter, dropDuplicates)
    },
    close: async () => {
      closed.abort()
      await close()
    },
  }
}

async function* everything(listening: Listening): AsyncGenerator<Told> {
  try {
    const stream = await listening.stream()
    for await (const { event, isNew } of stream) if (isNew) yield { event, bookmark: () => stream.bookmark(null) }
  } finally {
    listening.end()
  }
}

function watchOf<Type extends EventType>(
  told: AsyncIterable<Told>,
  listening: Listening,
  filter: EventFilter<Type>,
  dropDuplicates = false,
): Watch<Type> {
  async function* events(): AsyncGenerator<WatchedEvent<Type>> {
    const recent = createRecentIds(mostIds)
    for await (const { event, bookmark } of told) {
      if (!isWanted(event, filter)) continue
      const watched = watchedEvent(event, bookmark())
      if (!dropDuplicates || recent.isFirst(watched.eventId)) yield watched
    }
  }
  const iterator = events()
  return {
    listen: async () => {
      await listening.stream()
    },
    [Symbol.asyncIterator]: () => iterator,
  }
}
