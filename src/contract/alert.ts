import { z } from 'zod'
import { BackfillId, PartitionId, RunId, WorkerId } from './ids.ts'

/** What can be wrong: with what is stored (a person must look), and with how things go (a person may want to act). */
export const AlertKind = z.enum([
  // The ledger says more of a partition than the sink's own checkpoint row.
  'ledgerAhead',
  // Ledger and checkpoint row are at the same place of a partition, and say different counts or content.
  'hashDiffers',
  // A partition that has been worked on has no checkpoint row in the sink any more.
  'checkpointMissing',
  // A partition is called completed, and the chunks that were committed do not lead to its end.
  'phantomCompletion',
  // The partitions of the plan leave a part of it out, or have a part of it twice.
  'coverageGap',
  'coverageOverlap',
  // One fact was told twice, and not the same.
  'eventContradicted',
  // A committed offset went back, or passed a task that is not finished, or lost the checkpoints in its metadata.
  'offsetWentBack',
  'offsetTooFar',
  'offsetMetadataLost',
  // A worker was heard of, and is not any more.
  'workerLost',
  // Nothing of a run has moved for long, though something of it is to be done.
  'runStalled',
  // A partition takes far longer than the others of its run; a run's partitions are of very different sizes.
  'partitionSlow',
  'partitionsSkewed',
  'partitionsFailed',
  // Most of the rows that may be rejected have been.
  'errorBudgetLow',
  'intentUnacknowledged',
  // Events are told faster than they are recorded.
  'ledgerLag',
])
export type AlertKind = z.infer<typeof AlertKind>

/** `info`: it was mended, or mends itself. `warning`: it is worth a look. `critical`: what is stored is in doubt, or nothing goes on. */
export const AlertSeverity = z.enum(['info', 'warning', 'critical'])
export type AlertSeverity = z.infer<typeof AlertSeverity>

/** What an alert, or a repair, is about, as far as it is about one. */
export const About = z.object({
  runId: RunId.optional(),
  backfill: BackfillId.optional(),
  partitionId: PartitionId.optional(),
  /** Of the partition, in its run's plan. */
  index: z.int().nonnegative().optional(),
  worker: WorkerId.optional(),
  /** Of the task topic, or of the status topic where it is about the ledger. */
  topicPartition: z.int().nonnegative().optional(),
})
export type About = z.infer<typeof About>

/** What the supervisor mended by itself. A task that was published again is `partition.republished`. */
export const RepairKind = z.enum([
  // The end of a partition, of which the ledger had not heard, was told again from its checkpoint row.
  'eventLost',
  // The checkpoint row is the truth: an offset that lost its metadata, or went back, costs nothing but a look at it.
  'offsetMetadataLost',
  'offsetWentBack',
  // A worker whose process is gone was taken out of the worker group, which would have waited for its session.
  'workerEvicted',
  // An intent that a worker did not obey in time was forced.
  'intentForced',
])
export type RepairKind = z.infer<typeof RepairKind>
