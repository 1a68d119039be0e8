import { z } from 'zod'

/** Rows of one chunk. */
export const ChunkRows = z.int().min(1).max(500_000)
/** Tasks of one run that may be open at the same time, in the whole group of workers. */
export const MaxConcurrentPartitions = z.int().min(1).max(1_000_000)
/** Rows taken from the source in a second, by all workers together. */
export const RowsPerSecond = z.int().min(1).max(1_000_000_000)

/** Limits of a run that are tuned while it is live, as a whole. Null: what its definition says. */
export const Settings = z.object({
  chunkRows: ChunkRows.nullable(),
  maxConcurrentPartitions: MaxConcurrentPartitions.nullable(),
  rowsPerSecond: RowsPerSecond.nullable(),
})
export type Settings = z.infer<typeof Settings>

export const noSettings: Settings = Object.freeze({
  chunkRows: null,
  maxConcurrentPartitions: null,
  rowsPerSecond: null,
})
