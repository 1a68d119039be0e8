import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { BackfillId } from '../contract/ids.ts'
import type { KeyRange } from '../contract/range.ts'
import type { PartitionBy } from './partition-by.ts'
import type { AnyRow } from './row-schema.ts'
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
  /** Rows of one partition that may be rejected before it fails. Default 0: the first bad row fails it. */
  readonly maxRejectedRows?: number
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
}

const Limit = z.strictObject({
  chunkRows: z.int().min(1).max(500_000).default(25_000),
  maxRejectedRows: z.int().min(0).default(0),
})

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
  const byRows = input.partitionBy.kind === 'rowGroup' || input.partitionBy.kind === 'rows'
  if (byRows !== (input.source.kind === 'files.parquet'))
    reasons.push(
      `partitionBy "${input.partitionBy.kind}" does not fit source "${input.source.kind}": ` +
        'files.parquet is cut by rowGroup or rows, postgres.table by time or key',
    )
  if (!id.success || !limits.success || reasons.length > 0)
    throw new TerminalError('DEFINITION_INVALID', `backfill ${JSON.stringify(input.id)}: ${reasons.join('; ')}`, {
      reasons,
    })
  // The row types did their work at the call; from here on rows are checked by the schemas themselves.
  return Object.freeze({
    [brand]: true,
    id: id.data,
    params: (input.params ?? z.object({})) as ParamsSchema,
    source: input.source as SourceDefinition<AnyRow>,
    partitionBy: input.partitionBy as PartitionBy,
    transform: (input.transform ?? null) as Backfill['transform'],
    sink: input.sink as SinkDefinition<AnyRow>,
    limits: limits.data,
  })
}

/** True for what `defineBackfill` returned, also when another copy of the package made it. */
export const isBackfill = (value: unknown): value is Backfill =>
  typeof value === 'object' && value !== null && brand in value

/** The one value of `ctx.skip`. */
export const skip = Object.freeze({ [Symbol.for('tidemark.skipped')]: true }) as unknown as Skipped
