import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { BackfillId } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import { ChunkRows, MaxConcurrentPartitions, RowsPerSecond } from '../contract/settings.ts'
import { followProblem } from './follow.ts'
import type { PartitionBy } from './partition-by.ts'
import type { AnyRow } from './row-schema.ts'
import { readSchedule, type Schedule, type ScheduleInput } from './schedule.ts'
import { scheduleProblems } from './schedule-problems.ts'
import type { SinkDefinition } from './sink-definition.ts'
import type { SourceDefinition } from './source-definition.ts'

declare const skipped: unique symbol
/** What `ctx.skip` returns: this row is left out, on purpose. */
export type Skipped = { readonly [skipped]: true }

export interface TransformContext<Params> {
  readonly params: Params
  readonly partition: { readonly index: number; readonly range: KeyRange }
  /** Aborted when the partition is given up. */
  readonly signal: AbortSignal
  /** Leaves the row out; it is counted as filtered. */
  skip(reason: string): Skipped
}

/** What one row becomes: a row, several, or none. */
export type Transformed<Out> = Out | readonly Out[] | Skipped | null

export type ParamsSchema = z.ZodObject<z.ZodRawShape>

export interface Limits {
  /** Rows a chunk: what is read, written and checkpointed together, and at most read again after a crash. Default 25,000. */
  readonly chunkRows?: number
  /** Rows taken from the source in a second, by all workers together; each takes as its part that of the lanes it holds. Default null: as many as come. */
  readonly rowsPerSecond?: number | null
  /** Tasks of a run that are open at the same time, in the whole group of workers. Default null: TIDEMARK_OPEN_TASKS. */
  readonly maxConcurrentPartitions?: number | null
  /**
   * The run's error budget: rows that may be rejected before it is parked. 0, the default where no ratio is given: no
   * budget, a bad row fails its partition and the others go on.
   */
  readonly maxRejectedRows?: number
  /** The same as a share of the rows read, from 0 to 1; looked at as if 1,000 rows had been read when there are fewer. Default 1. */
  readonly maxRejectedRatio?: number
  /** For reading and transforming one chunk, in milliseconds; then it is given up, and made smaller. Default 5 minutes. */
  readonly chunkTimeoutMs?: number
  /** Work on one partition by one worker, in milliseconds; then it fails. Default null: none. */
  readonly partitionTimeoutMs?: number | null
  /** A larger row, as it is sent to the sink, is rejected. Default 16 MiB. */
  readonly maxRowBytes?: number
  /** A chunk that would be larger is made of fewer rows. Default 256 MiB. */
  readonly maxChunkBytes?: number
}

interface BackfillFields<Params extends ParamsSchema, In, Out> {
  /** Lower-case words joined by hyphens; unique among the definitions of a folder. */
  readonly id: string
  /** What a request may ask for. Default: no params. */
  readonly params?: Params
  readonly source: SourceDefinition<In>
  readonly partitionBy: PartitionBy<NoInfer<keyof In & string>, NoInfer<keyof z.output<Params> & string>>
  readonly sink: SinkDefinition<Out>
  readonly limits?: Limits
  /** Columns whose values appear in no dead letter, rejected row, event or log. */
  readonly redact?: readonly NoInfer<(keyof In | keyof Out) & string>[]
  /** When a run has completed, rows that came in above its bounds are the next run's, and so on. Default: false. */
  readonly follow?: boolean
  /** When it runs by itself. Default: only when somebody asks. */
  readonly schedule?: ScheduleInput<NoInfer<keyof z.output<Params> & string>>
}

/** Pure: the same row gives the same rows, for a chunk may be read again. */
export type Transform<Params extends ParamsSchema, In, Out> = (
  row: In,
  ctx: TransformContext<z.output<Params>>,
) => Transformed<Out> | Promise<Transformed<Out>>

/**
 * Left out: the row passes as it is, where it fits the sink. Being a condition on both row types, it is looked at when
 * they are known: that keeps literals in what it returns literal, and mistakes at their own token.
 */
type TransformField<Params extends ParamsSchema, In, Out> = [In] extends [Out]
  ? { readonly transform?: Transform<Params, In, Out> }
  : { readonly transform: Transform<Params, In, Out> }

export type BackfillInput<Params extends ParamsSchema, In, Out> = BackfillFields<Params, In, Out> &
  TransformField<NoInfer<Params>, NoInfer<In>, NoInfer<Out>>

/** A checked definition, its row types erased: what planner and worker handle. */
export interface Backfill {
  readonly id: BackfillId
  readonly params: ParamsSchema
  readonly source: SourceDefinition<AnyRow>
  readonly partitionBy: PartitionBy
  readonly transform: ((row: AnyRow, ctx: TransformContext<AnyRow>) => unknown) | null
  readonly sink: SinkDefinition<AnyRow>
  readonly limits: Required<Limits>
  readonly redact: readonly string[]
  readonly follow: boolean
  readonly schedule: Schedule | null
}

/** What a timer can wait for. */
const longestTimeoutMs = 2_147_483_647

const Limit = z.strictObject({
  chunkRows: ChunkRows.default(25_000),
  rowsPerSecond: RowsPerSecond.nullable().default(null),
  maxConcurrentPartitions: MaxConcurrentPartitions.nullable().default(null),
  maxRejectedRows: z.int().min(0).optional(),
  maxRejectedRatio: z.number().min(0).max(1).optional(),
  chunkTimeoutMs: z.int().min(100).max(longestTimeoutMs).default(300_000),
  partitionTimeoutMs: z.int().min(100).max(longestTimeoutMs).nullable().default(null),
  maxRowBytes: z.int().min(1).max(1_000_000_000).default(16_777_216),
  maxChunkBytes: z.int().min(1).max(2_000_000_000).default(268_435_456),
})

const budgetOf = ({ maxRejectedRows, maxRejectedRatio }: z.output<typeof Limit>): { rows: number; ratio: number } => ({
  rows: maxRejectedRows ?? (maxRejectedRatio === undefined ? 0 : Number.MAX_SAFE_INTEGER),
  ratio: maxRejectedRatio ?? 1,
})

const waysOfCutting: Readonly<Record<SourceDefinition<AnyRow>['kind'], readonly PartitionBy['kind'][]>> = {
  'files.parquet': ['rowGroup', 'rows'],
  'files.csv': ['bytes'],
  'files.ndjson': ['bytes'],
  'postgres.table': ['time', 'key', 'quantiles', 'hash', 'list', 'custom', 'blocks', 'auto'],
  'kafka.topic': ['offsets'],
}

const brand = Symbol.for('tidemark.backfill')

/**
 * Defines a backfill: an object that is data wherever it can be. The input row type comes from `source`, the output
 * row type from the schema of `sink`; a mistake is reported at its own token.
 * Throws TerminalError (DEFINITION_INVALID) naming the field, the value and what would be right.
 */
export function defineBackfill<In, Out, Params extends ParamsSchema = z.ZodObject<Record<never, never>>>(
  input: BackfillInput<Params, In, Out>,
): Backfill {
  const reasons: string[] = []
  const id = BackfillId.safeParse(input.id)
  if (!id.success) reasons.push(`id ${JSON.stringify(input.id)} ${id.error.issues[0]?.message}`)
  const limits = Limit.safeParse(input.limits ?? {})
  if (!limits.success) reasons.push(`limits: ${z.prettifyError(limits.error)}`)
  if (!waysOfCutting[input.source.kind].includes(input.partitionBy.kind))
    reasons.push(
      `partitionBy "${input.partitionBy.kind}" does not fit source "${input.source.kind}": ` +
        Object.entries(waysOfCutting)
          .map(([source, ways]) => `${source} is cut by ${ways.join(' or ')}`)
          .join(', '),
    )
  reasons.push(...placeProblems(input.source as SourceDefinition<AnyRow>, input.sink, input.transform === undefined))
  reasons.push(...ownerProblems(input.partitionBy, input.sink))
  const { follow = false } = input
  const partitionBy = chosenBy(input.sink, input.partitionBy as PartitionBy)
  const problem = follow ? followProblem(partitionBy) : null
  if (problem !== null) reasons.push(problem)
  const { schedule, reasons: wrong } =
    input.schedule === undefined ? { schedule: null, reasons: [] } : readSchedule(input.schedule)
  const params = (input.params ?? z.object({})) as ParamsSchema
  reasons.push(...wrong, ...(schedule === null ? [] : scheduleProblems(schedule, params, follow)))
  if (!id.success || !limits.success || reasons.length > 0)
    throw new TerminalError('DEFINITION_INVALID', `backfill ${JSON.stringify(input.id)}: ${reasons.join('; ')}`, {
      reasons,
    })
  const budget = budgetOf(limits.data)
  // The row types did their work at the call; from here on rows are checked by the schemas themselves.
  return Object.freeze({
    [brand]: true,
    id: id.data,
    params,
    source: input.source as SourceDefinition<AnyRow>,
    partitionBy,
    transform: (input.transform ?? null) as Backfill['transform'],
    sink: input.sink as SinkDefinition<AnyRow>,
    limits: { ...limits.data, maxRejectedRows: budget.rows, maxRejectedRatio: budget.ratio },
    redact: input.redact ?? [],
    follow,
    schedule,
  })
}

/** What holds the place of a row of a source that is cut by places. */
const placesIn: Partial<Readonly<Record<SourceDefinition<AnyRow>['kind'], string>>> = {
  'files.csv': 'its files',
  'files.ndjson': 'its files',
  'kafka.topic': 'its topic',
}

/**
 * Rows of text files and of topics are cut by their places, and a sink that owns a range empties that of each partition: a
 * column that holds something else would lose what nobody wrote.
 */
function placeProblems(
  source: SourceDefinition<AnyRow>,
  sink: { readonly kind: string; readonly range: string | null },
  rowsPassAsTheyAre: boolean,
): readonly string[] {
  const whole = placesIn[source.kind]
  if (whole === undefined || !('position' in source) || sink.range === null) return []
  const needed = `range "${sink.range}" of ${sink.kind} has to hold the place of the row in ${whole}`
  if (source.position === null) return [`${needed}: name a field for it with position`]
  return rowsPassAsTheyAre && sink.range !== source.position ? [`${needed}, which is in "${source.position}"`] : []
}

/** What a source is cut by that is no value of its rows. */
const noValues: Partial<Readonly<Record<PartitionBy['kind'], string>>> = {
  hash: 'the hash',
  blocks: 'the block of the table',
}

/** A sink that owns a range would empty that of the numbers which the hashes or blocks are. */
function ownerProblems(
  by: { readonly kind: PartitionBy['kind'] },
  sink: { readonly kind: string; readonly range: string | null },
): readonly string[] {
  const what = noValues[by.kind]
  if (what === undefined || sink.range === null) return []
  return [
    `range "${sink.range}" of ${sink.kind} cannot hold ${what} by which the source is cut: use postgres.upsert without a range`,
  ]
}

/** A sink that owns a range of its target needs the source's partition column: there is nothing to choose. */
function chosenBy(sink: { readonly range: string | null }, by: PartitionBy): PartitionBy {
  if (by.kind !== 'auto' || sink.range === null) return by
  return { kind: 'quantiles', columns: [sink.range], rows: by.rows, timezone: 'UTC', bounds: null }
}

/** True for what `defineBackfill` returned, also when another copy of the package made it. */
export const isBackfill = (value: unknown): value is Backfill =>
  typeof value === 'object' && value !== null && brand in value

/** The one value of `ctx.skip`. */
export const skip = Object.freeze({ [Symbol.for('tidemark.skipped')]: true }) as unknown as Skipped
