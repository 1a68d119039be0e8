import type { IncomingRecord } from '../status/record-feed.ts'
import type { TopicState } from './bookmark.ts'

/** The status topic, as a subscriber needs it. */
export interface StatusTopic {
  /** Throws RetryableError (KAFKA_UNREACHABLE), TerminalError (TOPIC_MISSING). */
  look(): Promise<TopicState>
  /** Every topic partition from its offset on, until the signal aborts. Throws RetryableError (KAFKA_UNREACHABLE). */
  follow(from: ReadonlyMap<number, string>, signal: AbortSignal): Promise<StatusRecords>
}

export interface StatusRecords extends AsyncIterable<IncomingRecord> {
  /** Resolves when everything that stood in the topic at the start was handed over, and the next was asked for. */
  readonly caughtUp: Promise<void>
}
