import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, PartitionId, RunId, Sha256 } from './ids.ts'
import { Instant } from './instant.ts'
import { KeyRange } from './range.ts'

/**
 * One partition to be processed. All a worker needs besides the definition; where it contradicts the checkpoint row
 * of the sink, the row wins.
 */
export const TaskMessage = z.object({
  version: z.literal(1),
  runId: RunId,
  partitionId: PartitionId,
  /** Place in the plan, from 0. */
  index: Count,
  backfill: BackfillId,
  /** Hash of the definition the plan was made with: a worker with another one refuses the task. */
  definitionHash: Sha256,
  params: z.record(z.string(), z.json()),
  range: KeyRange,
  /** What the source needs to find the range, such as the file and its identity; null when the range says it all. */
  locator: z.record(z.string(), z.json()).nullable(),
  /** Why the task was published: by the plan, or again by the supervisor because no open task covered the partition. */
  reason: z.enum(['planned', 'stranded']),
  publishedAt: Instant,
})
export type TaskMessage = z.infer<typeof TaskMessage>
