import type { Service } from '../process/service.ts'

/** One record of a topic. */
export interface IncomingRecord {
  readonly topic: string
  readonly topicPartition: number
  readonly offset: string
  readonly key: string | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** The value parsed: plain JSON or Confluent wire format. Throws TerminalError (MESSAGE_INVALID) when it is neither. */
  json(): Promise<unknown>
}

/** Records of one topic partition in offset order. `nextOffset` is where reading goes on after them. */
export interface RecordBatch {
  readonly topicPartition: number
  readonly records: readonly IncomingRecord[]
  readonly nextOffset: string
}

export interface RecordFeedOptions {
  readonly groupId: string
  readonly topic: string
  /**
   * Handles a batch; the next of the same topic partition comes when it has resolved. A rejection is logged and the
   * same batch handed over again after a pause that grows to 5 s: nothing is skipped.
   */
  handle(batch: RecordBatch, signal: AbortSignal): Promise<void>
  /** For readers that keep their own offsets: where to begin each topic partition just assigned. Absent: committed offsets, kept by the feed. */
  startAt?(topicPartitions: readonly number[]): Promise<ReadonlyMap<number, string>>
  /** A batch costs more than a record: waits for more of them, for a tenth of a second at most. */
  readonly gathers?: boolean
}

/** A consumer group member that reads one topic in order. */
export type RecordFeed = (options: RecordFeedOptions) => Service
