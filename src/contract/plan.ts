import { z } from 'zod'
import { Count } from './certificate.ts'
import { Instant } from './instant.ts'
import { DecimalInteger, type NumberedKind } from './range.ts'

/** A file as it was when the bounds were pinned; another size or modification time later is another file. */
export const PinnedFile = z.object({
  path: z.string(),
  bytes: Count,
  modifiedMs: z.number(),
  /** Rows of each row group, in file order. */
  rowGroups: z.array(Count),
})
export type PinnedFile = z.infer<typeof PinnedFile>

/** The same of a file of text. */
export const PinnedTextFile = z.object({
  path: z.string(),
  bytes: Count,
  modifiedMs: z.number(),
  /**
   * Bytes of the file, ascending, at which partitions begin because records do. Null: it may be cut anywhere, for
   * whoever reads finds where the next record begins.
   */
  starts: z.array(Count).nullable(),
  estimatedRows: Count,
})
export type PinnedTextFile = z.infer<typeof PinnedTextFile>
/** A topic partition with its offsets when the bounds were pinned: from the first that was there to before the first not decided. */
export const PinnedOffsets = z.object({ topicPartition: Count, from: DecimalInteger, to: DecimalInteger })
export type PinnedOffsets = z.infer<typeof PinnedOffsets>

/**
 * How the rows of a domain lie in it: steps that tile it, in order, each from the end of the one before to its own `to`
 * (the last to the domain's), with the rows it is believed to hold.
 */
export const RowSpread = z.array(z.object({ to: z.string(), rows: Count }))
export type RowSpread = z.infer<typeof RowSpread>

const selected = {
  /**
   * Of the domain only these ranges, for what is between them is not to be done again: ascending, disjoint. Partitions
   * are cut at their ends too; those of kind `bytes` and `key` are done whole where they have part of one.
   */
  only: z.array(z.object({ from: z.string(), to: z.string() })).optional(),
}
const why = {
  /** Why the domain is cut along this column, where that was left to the planner. */
  why: z.string().optional(),
}
const ofColumn = {
  column: z.string(),
  estimatedRows: Count.nullable(),
  /** Where the partitions are to hold equally many rows. */
  spread: RowSpread.optional(),
  ...why,
  ...selected,
}

/**
 * The closed, finite domain of a run, fixed before planning and stored with it: rows above belong to a later run.
 * `rows`: the positions 0 … n−1 of all rows of the files, counted through the files in this order. `bytes`: those of all
 * their bytes; a record is in the range that holds its first byte. `offsets`: those of all offsets of a topic, through its
 * topic partitions; an offset may have no record.
 */
export const PinnedBounds = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rows'), files: z.array(PinnedFile), ...selected }),
  z.object({ kind: z.literal('bytes'), files: z.array(PinnedTextFile), ...selected }),
  z.object({
    kind: z.literal('offsets'),
    topic: z.string(),
    /** No other topic ever has it, also of the same name; null: the brokers give topics none. */
    topicId: z.string().nullable(),
    topicPartitions: z.array(PinnedOffsets),
    ...selected,
  }),
  /** The blocks 0 … n−1 of a table, and of their rows those of one moment that are as they were then. */
  z.object({
    kind: z.literal('blocks'),
    blocks: Count,
    /** Transactions with a lower id than this one had ended then, and wrote the rows of the domain. */
    beforeXid: Count,
    /** Of the file that the blocks are in: rewritten, a table has another one. */
    filenode: Count,
    rowsPerBlock: z.number().positive(),
    estimatedRows: Count.nullable(),
    ...selected,
  }),
  z.object({
    kind: z.literal('integer'),
    from: DecimalInteger,
    to: DecimalInteger,
    /** The whole ring of the column's hash is the domain, not its values. */
    hashed: z.literal(true).optional(),
    ...ofColumn,
  }),
  z.object({ kind: z.literal('time'), from: Instant, to: Instant, ...ofColumn }),
  z.object({ kind: z.literal('uuid'), from: z.guid(), to: z.guid(), ...ofColumn }),
  /** `from`, `to` and the ends of the steps are places (key-place.ts); steps hold about as many rows as a partition is to. */
  z.object({
    kind: z.literal('key'),
    columns: z.array(z.string()).min(1),
    from: z.string(),
    to: z.string(),
    estimatedRows: Count.nullable(),
    spread: RowSpread,
    /** Only rows with one of these values of the one column: distinct, in the server's order. */
    values: z.array(z.string()).optional(),
    ...why,
    ...selected,
  }),
])
export type PinnedBounds = z.infer<typeof PinnedBounds>
/** Bounds of keys in an order of the server's own. */
export type KeyBounds = Extract<PinnedBounds, { kind: 'key' }>
/** Bounds of one column, between which cuts can be computed. */
export type NumberedBounds = Extract<PinnedBounds, { kind: NumberedKind }>

/** One cut of the plan, before it has an id. */
export const PlannedPartition = z.object({
  index: Count,
  from: z.string(),
  to: z.string(),
  locator: z.record(z.string(), z.json()).nullable(),
  estimatedRows: Count.nullable(),
})
export type PlannedPartition = z.infer<typeof PlannedPartition>
