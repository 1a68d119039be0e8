import { TerminalError } from '../../src/contract/errors.ts'
import type { IncomingRecord, RecordFeed, RecordFeedOptions } from '../../src/status/record-feed.ts'

/** A feed whose batches are handed over by the test; a rejection is the test's to see. */
export interface HandFeed {
  readonly feed: RecordFeed
  /** Hands records over as one batch of their topic partition; values that are no text are sent as JSON. */
  hand(values: readonly unknown[], from?: { topicPartition?: number; offset?: number }): Promise<void>
  startAt(topicPartitions: readonly number[]): Promise<ReadonlyMap<number, string>>
}

export function handFeed(): HandFeed {
  let options: RecordFeedOptions | undefined
  const opened = (): RecordFeedOptions => {
    if (options === undefined) throw new Error('nobody has opened the feed')
    return options
  }
  return {
    feed: (given) => {
      options = given
      return { start: () => Promise.resolve(), stop: () => Promise.resolve() }
    },
    hand: async (values, { topicPartition = 0, offset = 0 } = {}) => {
      const { topic, handle } = opened()
      const records = values.map((value, at) => record(topic, topicPartition, offset + at, value))
      await handle(
        { topicPartition, records, nextOffset: String(offset + values.length) },
        new AbortController().signal,
      )
    },
    startAt: (topicPartitions) => opened().startAt?.(topicPartitions) ?? Promise.resolve(new Map()),
  }
}

/** A record as a feed hands it over; a value that is no text is sent as JSON. */
export function record(topic: string, topicPartition: number, offset: number, value: unknown): IncomingRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return {
    ...{ topic, topicPartition, key: null, headers: {} },
    offset: String(offset),
    value: Buffer.from(text),
    json: async () => {
      try {
        return JSON.parse(text) as unknown
      } catch (error) {
        throw new TerminalError('MESSAGE_INVALID', 'the value is not JSON', { cause: error })
      }
    },
  }
}
