import type { RecordBatch } from './record-feed.ts'

/** Offsets of one topic partition, from the first to before the last. */
export interface TopicRange {
  readonly topicPartition: number
  readonly from: bigint
  readonly to: bigint
}

/** A topic as it lies there, read by offsets: no group, nothing is committed, and it ends. */
export interface TopicHistory {
  readonly topic: string
  /** What is there of each topic partition now, in their order. Throws TerminalError (TOPIC_MISSING). */
  offsets(): Promise<readonly TopicRange[]>
  /** By topic partition the offset of its first record of this time or later, by the brokers' time; its end, when there is none. */
  offsetsAt(at: Date): Promise<ReadonlyMap<number, bigint>>
  /** When the first record of a range was written, by the brokers' time; null: it has none. */
  firstAt(range: TopicRange, signal: AbortSignal): Promise<Date | null>
  /**
   * The records of these ranges, one range after the other, some hundred at a time; the last batch of a range may be
   * empty and says where it ends. An outage is waited out for a minute. Throws RetryableError (KAFKA_UNREACHABLE) and
   * TerminalError (SOURCE_NOT_READABLE), also when retention removes what is still to be read.
   */
  read(ranges: readonly TopicRange[], signal: AbortSignal): AsyncIterable<RecordBatch>
}
