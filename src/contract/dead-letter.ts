import { z } from 'zod'
import { Count } from './certificate.ts'
import { PartitionId, RunId } from './ids.ts'
import { Instant } from './instant.ts'
import { Cursor } from './range.ts'

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
  cursor: Cursor.nullable(),
  at: Instant,
})
export type DeadLetterMessage = z.infer<typeof DeadLetterMessage>
