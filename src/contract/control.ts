import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, PartitionId, RunId } from './ids.ts'
import { Instant } from './instant.ts'
import { Settings } from './settings.ts'

/** What a person wants a run to be. */
export const Intent = z.enum(['running', 'paused', 'cancelled'])
export type Intent = z.infer<typeof Intent>

/** What a person wants of one partition, where it differs from the run's intent; the stricter of the two holds. */
export const PartitionIntent = z.object({ partitionId: PartitionId, intent: z.enum(['paused', 'cancelled']) })
export type PartitionIntent = z.infer<typeof PartitionIntent>

/** Partitions of one run that can have an intent of their own: the message that lists them must fit its topic. */
export const mostPartitionIntents = 1_000

/**
 * The whole current intent of a run. The topic is compacted by run id: the newest message of a run is all there is to
 * know, and a null value says that the run has ended and nothing is wanted of it any more.
 */
export const ControlMessage = z.object({
  version: z.literal(1),
  runId: RunId,
  backfill: BackfillId,
  /** Only a higher sequence applies: doubled and reordered messages change nothing. */
  sequence: Count,
  intent: Intent,
  partitions: z.array(PartitionIntent),
  /** Absent: nothing was ever tuned. */
  settings: Settings.optional(),
  /** Of the request that changed it last. */
  requestedBy: z.string().optional(),
  reason: z.string().optional(),
  /** When the planner wrote the intent down. */
  at: Instant,
})
export type ControlMessage = z.infer<typeof ControlMessage>
