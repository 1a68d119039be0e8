import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, RunId, Sha256 } from './ids.ts'
import { PlannedPartition } from './plan.ts'
import { KeyRange } from './range.ts'
import { Reprocess } from './request.ts'

/** Rows a partition, by the source's own estimate. */
const Sizes = z.object({
  total: Count,
  smallest: Count,
  median: Count,
  p90: Count,
  largest: Count,
  /** The largest partition by the mean: how many times as long as the others it takes. */
  skew: z.number(),
  /** Partitions by their rows, in classes of equal width from 0; `upTo` is exclusive. */
  histogram: z.array(z.object({ upTo: Count, partitions: Count })),
})

/** How long a run would take, from some of its chunks that were read, transformed and written to a temporary table. */
const Forecast = z.object({
  workers: Count,
  slots: Count,
  probedChunks: Count,
  probedRows: Count,
  rowsPerSecond: z.number(),
  /** Half of all runs end before p50Ms, nine of ten before p90Ms, one of ten before p10Ms. */
  p10Ms: Count,
  p50Ms: Count,
  p90Ms: Count,
})

const Selection = z.object({
  reprocess: Reprocess,
  /** Ranges of the domain that the run leaves out, in order; the first of them, when there are many. */
  leftOut: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      why: z.enum(['completed', 'in flight', 'never tried']),
      /** The run that did it, or has it; null: none ever tried. */
      runId: RunId.nullable(),
    }),
  ),
  leftOutRanges: Count,
  /** Runs of the backfill on the target that say nothing of this domain: of other params, another column, or other files. */
  ignoredRuns: Count,
})

/** What a start request would do, told without doing it: `tidemark plan … --json`. */
export const PlanReport = z.object({
  version: z.literal(1),
  backfill: BackfillId,
  definitionHash: Sha256,
  /** Hash over definition, pinned bounds and partitions; `tidemark submit --plan` accepts it while it is what would be planned. */
  planId: Sha256,
  params: z.record(z.string(), z.json()),
  target: z.string(),
  range: KeyRange,
  /** Which rows belong to the run, in words. */
  rule: z.string(),
  /** Why this column, where that was left to the planner. */
  why: z.string().nullable(),
  partitions: Count,
  /** Null: the source cannot tell. */
  rows: Sizes.nullable(),
  /** What would keep the run from beginning at once. */
  conflicts: z.array(z.string()),
  /** What makes the run slow, or leaves rows out: each with its cause, what it costs, and the remedy. */
  warnings: z.array(z.string()),
  /** Null: there is nothing to probe, or it was not asked for. */
  /** What earlier runs leave to do; null: everything is done, whatever they did. */
  selection: Selection.nullable(),
  forecast: Forecast.nullable(),
  /** The largest partitions, or all where they were asked for. */
  listed: z.array(PlannedPartition),
})
export type PlanReport = z.infer<typeof PlanReport>
export type Sizes = z.infer<typeof Sizes>
export type Forecast = z.infer<typeof Forecast>
