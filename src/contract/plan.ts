import { z } from 'zod'
import { Count } from './certificate.ts'
import { Instant } from './instant.ts'
import { DecimalInteger } from './range.ts'

/** A file as it was when the bounds were pinned; another size or modification time later is another file. */
export const PinnedFile = z.object({
  path: z.string(),
  bytes: Count,
  modifiedMs: z.number(),
  /** Rows of each row group, in file order. */
  rowGroups: z.array(Count),
})
export type PinnedFile = z.infer<typeof PinnedFile>

/** A topic partition with its offsets when the bounds were pinned: from the first that was there to before the first not decided. */
export const PinnedOffsets = z.object({ topicPartition: Count, from: DecimalInteger, to: DecimalInteger })
export type PinnedOffsets = z.infer<typeof PinnedOffsets>

/**
 * How the rows of a domain lie in it: steps that tile it, in order, each from the end of the one before to its own `to`
 * (the last to the domain's), with the rows it is believed to hold.
 */
export const RowSpread = z.array(z.object({ to: z.string(), rows: Count }))
export type RowSpread = z.infer<typeof RowSpread>

const spread = {
  /** Where the partitions are to hold equally many rows. */
  spread: RowSpread.optional(),
  /** Why the domain is cut along this column, where that was left to the planner. */
  why: z.string().optional(),
}

/**
 * The closed, finite domain of a run, fixed before planning and stored with it: rows above belong to a later run.
 * `rows`: the positions 0 … n−1 of all rows of the files, counted through the files in this order. `offsets`: the same of
 * all offsets of a topic, through its topic partitions; an offset may have no record.
 */
export const PinnedBounds = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rows'), files: z.array(PinnedFile) }),
  z.object({
    kind: z.literal('offsets'),
    topic: z.string(),
    /** No other topic ever has it, also of the same name; null: the brokers give topics none. */
    topicId: z.string().nullable(),
    topicPartitions: z.array(PinnedOffsets),
  }),
  z.object({
    kind: z.literal('integer'),
    column: z.string(),
    from: DecimalInteger,
    to: DecimalInteger,
    estimatedRows: Count.nullable(),
    ...spread,
  }),
  z.object({
    kind: z.literal('time'),
    column: z.string(),
    from: Instant,
    to: Instant,
    estimatedRows: Count.nullable(),
    ...spread,
  }),
])
export type PinnedBounds = z.infer<typeof PinnedBounds>

/** One cut of the plan, before it has an id. */
export const PlannedPartition = z.object({
  index: Count,
  from: z.string(),
  to: z.string(),
  locator: z.record(z.string(), z.json()).nullable(),
  estimatedRows: Count.nullable(),
})
export type PlannedPartition = z.infer<typeof PlannedPartition>
