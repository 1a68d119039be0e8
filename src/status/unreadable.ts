import type { DeadLetterMessage } from '../contract/dead-letter.ts'
import { messageOf } from '../contract/errors.ts'
import type { IncomingRecord } from './record-feed.ts'

const valueLimit = 65_536

/** The dead letter of a record that cannot be read as what its topic carries. */
export function unreadable(record: IncomingRecord, error: unknown, now: Date): DeadLetterMessage {
  return {
    version: 1,
    what: 'message',
    reason: 'MESSAGE_INVALID',
    message: messageOf(error),
    topic: record.topic,
    topicPartition: record.topicPartition,
    offset: record.offset,
    key: record.key,
    value: record.value === null ? null : record.value.subarray(0, valueLimit).toString('base64'),
    runId: null,
    partitionId: null,
    cursor: null,
    failed: null,
    at: now.toISOString(),
  }
}
