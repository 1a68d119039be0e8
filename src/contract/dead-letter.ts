import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, PartitionId, RunId, WorkerId } from './ids.ts'
import { Instant } from './instant.ts'
import { Cursor, KeyRange } from './range.ts'

/** A partition that failed for good: what a person needs to look into it. Told again, it says the same. */
export const FailedPartition = z.object({
  backfill: BackfillId,
  index: Count,
  range: KeyRange,
  epoch: Count,
  sequence: Count,
  /** Tries that counted, since the partition last got on. */
  attempts: Count,
  worker: WorkerId,
  /** Up to three rows that were in hand, as JSON texts, the definition's `redact` applied. */
  sample: z.array(z.string()),
})

/**
 * Something that will not be tried again without a person: a message nobody can read (`message`), or a partition
 * that failed for good (`partition`).
 */
export const DeadLetterMessage = z.object({
  version: z.literal(1),
  what: z.enum(['message', 'partition']),
  /** Code of the error, such as MESSAGE_INVALID. */
  reason: z.string(),
  message: z.string(),
  /** Where the message stood. */
  topic: z.string(),
  topicPartition: Count,
  offset: z.string(),
  key: z.string().nullable(),
  /** The bytes of the message, base64, cut at 64 KiB. */
  value: z.string().nullable(),
  runId: RunId.nullable(),
  partitionId: PartitionId.nullable(),
  /** Of the last row handled, when a partition failed. */
  cursor: Cursor.nullable(),
  failed: FailedPartition.nullable(),
  at: Instant,
})
export type DeadLetterMessage = z.infer<typeof DeadLetterMessage>
