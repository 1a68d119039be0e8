import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, PartitionId, RequestKey, RunId, Sha256 } from './ids.ts'
import { Instant } from './instant.ts'
import { KeyRange } from './range.ts'
import { ChunkRows, MaxConcurrentPartitions, RowsPerSecond } from './settings.ts'

/**
 * What anybody produces on the request topic (or through the CLI, which does the same). Strict: an unknown field is
 * refused, for it is most likely a typing error in something the writer meant.
 */
const asked = {
  version: z.literal(1),
  /** Same key and same body: the same answer for ever. Same key and another body: rejected. */
  requestKey: RequestKey,
  /** Who asks, for the record. */
  requestedBy: z.string().min(1).max(200).optional(),
}

const share = {
  /** Tasks of runs with a higher one are published first. Default 0 (of a retry: that of its run). */
  priority: z.int().min(-100).max(100).optional(),
  /** Of two runs with one priority, that of twice the weight gets twice the tasks. Default 1 (of a retry: that of its run). */
  weight: z.int().min(1).max(1_000).optional(),
}

/**
 * A plan that somebody looked at (`tidemark plan`). The request is refused when planning gives another one by now; what
 * else is given here of the old one lets the answer say what changed.
 */
export const ApprovedPlan = z.strictObject({
  id: Sha256,
  definitionHash: Sha256.optional(),
  range: KeyRange.optional(),
  partitions: Count.optional(),
})
export type ApprovedPlan = z.infer<typeof ApprovedPlan>

/**
 * What of a domain to do that earlier runs of the backfill, with the same params but for its bounds, were over already:
 * `missing`: what none of them completed. `failed`: what they tried and did not complete. `all`: everything.
 */
export const Reprocess = z.enum(['missing', 'failed', 'all'])
export type Reprocess = z.infer<typeof Reprocess>

export const StartRequest = z.strictObject({
  ...asked,
  type: z.literal('start'),
  backfill: BackfillId,
  /** Validated by the backfill's own params schema. */
  params: z.record(z.string(), z.json()).default({}),
  ...share,
  /** Default: all. */
  reprocess: Reprocess.optional(),
  /** Only tell what it would do (`request.reported`): nothing is stored, and the request key stays free. */
  dryRun: z.boolean().optional(),
  /** A run that still waits in the queue then fails instead. */
  expiresAt: Instant.optional(),
  /** Only if planning still gives this plan. */
  plan: ApprovedPlan.optional(),
  /** When it has completed, rows that came in above its bounds are the next run's, and so on. Default: as the definition says. */
  follow: z.boolean().optional(),
  /** Begins above the bounds of this completed run of the same backfill and params. */
  follows: RunId.optional(),
})
export type StartRequest = z.infer<typeof StartRequest>

const ofRun = {
  ...asked,
  runId: RunId,
  /** Only this partition; absent: the whole run. */
  partitionId: PartitionId.optional(),
  /** Why, for the record. */
  reason: z.string().min(1).max(500).optional(),
}

/** What of a live run a request can change. */
export const tunable = ['chunkRows', 'maxConcurrentPartitions', 'rowsPerSecond', 'priority', 'weight'] as const

/** Stop at the next chunk boundary and keep the place. */
export const PauseRequest = z.strictObject({ ...ofRun, type: z.literal('pause') })
export type PauseRequest = z.infer<typeof PauseRequest>
/** Go on where it was paused. */
export const ResumeRequest = z.strictObject({ ...ofRun, type: z.literal('resume') })
/** Stop at the next chunk boundary for good; what is written stays. */
export const CancelRequest = z.strictObject({ ...ofRun, type: z.literal('cancel') })

/** What of a run a retry can name; none of them: the partitions that failed. */
export const retryable = ['partitionIds', 'rejected', 'ranges', 'keys'] as const

/**
 * Do a part of a run that has ended again, as a run of its own: the partitions that failed, or what one of `retryable`
 * names.
 */
export const RetryRequest = z
  .strictObject({
    ...asked,
    type: z.literal('retry'),
    runId: RunId,
    /** These partitions, failed or cancelled. */
    partitionIds: z.array(PartitionId).min(1).max(1_000).optional(),
    /** The completed partitions that had rejected rows, whole. */
    rejected: z.literal(true).optional(),
    /** These half-open ranges of its domain, completed or not, in the text form of its bounds. */
    ranges: z
      .array(z.strictObject({ from: KeyRange.shape.from, to: KeyRange.shape.to }))
      .min(1)
      .max(1_000)
      .optional(),
    /** The rows of a table whose key has these values. */
    keys: z
      .array(z.union([z.string().max(500), z.number()]))
      .min(1)
      .max(5_000)
      .optional(),
    reason: z.string().min(1).max(500).optional(),
    ...share,
  })
  .refine((request) => retryable.filter((name) => request[name] !== undefined).length <= 1, {
    error: `it may name one of ${retryable.join(', ')}, not several`,
    path: [],
  })
export type RetryRequest = z.infer<typeof RetryRequest>

/** Change limits of a live run: workers obey them from their next chunk on, the planner with the next tasks it publishes. */
export const TuneRequest = z
  .strictObject({
    ...asked,
    type: z.literal('tune'),
    runId: RunId,
    /** Of these three, null: back to what the definition says. */
    chunkRows: ChunkRows.nullable().optional(),
    maxConcurrentPartitions: MaxConcurrentPartitions.nullable().optional(),
    rowsPerSecond: RowsPerSecond.nullable().optional(),
    priority: share.priority,
    weight: share.weight,
    reason: z.string().min(1).max(500).optional(),
  })
  .refine((request) => tunable.some((name) => request[name] !== undefined), {
    error: `it names nothing to change: give one of ${tunable.join(', ')}`,
    path: [],
  })
export type TuneRequest = z.infer<typeof TuneRequest>

/** Put a run that has ended away: lists leave it out. Nothing of it is deleted. */
export const ArchiveRequest = z.strictObject({
  ...asked,
  type: z.literal('archive'),
  runId: RunId,
  reason: z.string().min(1).max(500).optional(),
})
export type ArchiveRequest = z.infer<typeof ArchiveRequest>

export const IntentRequest = z.discriminatedUnion('type', [PauseRequest, ResumeRequest, CancelRequest])
export type IntentRequest = z.infer<typeof IntentRequest>

export const RequestMessage = z.discriminatedUnion('type', [
  StartRequest,
  PauseRequest,
  ResumeRequest,
  CancelRequest,
  RetryRequest,
  TuneRequest,
  ArchiveRequest,
])
export type RequestMessage = z.infer<typeof RequestMessage>
export type RequestMessageInput = z.input<typeof RequestMessage>
