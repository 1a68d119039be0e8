import { RetryableError } from '../contract/errors.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { IncomingRecord } from '../status/record-feed.ts'
import { type Bookmark, readBookmark, recordsLost, requirePlace, type Spot } from './bookmark.ts'
import { createPosition } from './position.ts'
import { readStatusEvent, type Skipped } from './read-event.ts'
import type { StatusTopic } from './status-topic.ts'

/** Where to begin: with what the topic still has, with what is told from now on, or right after the event of a bookmark. */
export type From = 'beginning' | 'now' | (Bookmark & {})

/** An event as it was read. */
export interface ReadEvent extends Spot {
  readonly event: StatusEvent
  /** False: it was handed over before the bookmark. */
  readonly isNew: boolean
}

export interface EventStream extends AsyncIterable<ReadEvent> {
  /** Resolves when everything that stood in the topic at the start was read. */
  readonly caughtUp: Promise<void>
  /** Right after what was read so far, but for an event that is kept back. */
  bookmark(keptBack: Spot | null): Bookmark
}

export interface StreamOptions {
  readonly from: From
  /** With a bookmark: reads what was told before it too. */
  readonly again?: boolean
  readonly signal: AbortSignal
  /** Counts what is left out. */
  readonly skipped: Skipped
}

/**
 * Resolves when it listens: what is told from then on comes, and nothing is left out in between. Ends when the signal
 * aborts. Throws RetryableError (KAFKA_UNREACHABLE, REGISTRY_UNREACHABLE), and TerminalError for a bookmark that is none, or
 * that the topic cannot go on from, and when records are removed before they are read.
 */
export async function openStream(
  topic: StatusTopic,
  { from, again = false, signal, skipped }: StreamOptions,
): Promise<EventStream> {
  const after = from === 'beginning' || from === 'now' ? null : readBookmark(from)
  const state = await topic.look()
  if (after !== null) requirePlace(after, state)
  const position = createPosition(state, from === 'now' ? 'now' : 'beginning', after, again)
  const start = new Map([...position.from].map(([topicPartition, offset]) => [topicPartition, offset.toString()]))
  const records = await topic.follow(start, signal)

  const requireNoGap = async ({ topicPartition, offset }: Spot): Promise<void> => {
    const expected = position.expected(topicPartition)
    if (expected === undefined || offset <= expected) return
    // Offsets may have gaps that were never records.
    const first = (await topic.look()).offsets[topicPartition]?.first ?? 0n
    if (first > expected) throw recordsLost(state.name, { topicPartition, offset: expected }, first)
  }
  return {
    caughtUp: records.caughtUp,
    bookmark: position.bookmark,
    async *[Symbol.asyncIterator]() {
      for await (const record of records) {
        const spot = { topicPartition: record.topicPartition, offset: BigInt(record.offset) }
        await requireNoGap(spot)
        const read = readStatusEvent(await jsonOf(record))
        const isNew = position.pass(spot)
        if (typeof read !== 'string') yield { ...spot, event: read, isNew }
        else if (isNew) skipped[read] += 1
      }
    },
  }
}

/** A stream that is opened when it is first asked for. */
export interface Listening {
  stream(): Promise<EventStream>
  /** Ends the stream, when nobody wants more of it. */
  end(): void
}

export function createListening(topic: StatusTopic, options: StreamOptions): Listening {
  const over = new AbortController()
  const signal = AbortSignal.any([options.signal, over.signal])
  let opened: Promise<EventStream> | undefined
  return {
    stream: () => (opened ??= openStream(topic, { ...options, signal })),
    end: () => over.abort(),
  }
}

async function jsonOf(record: IncomingRecord): Promise<unknown> {
  try {
    return await record.json()
  } catch (error) {
    // A registry that is away says nothing of the record.
    if (error instanceof RetryableError) throw error
    return undefined
  }
}
