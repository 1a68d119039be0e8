import { readFile } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import { BackfillId } from '../contract/ids.ts'
import { issueLines } from '../plan/issue-lines.ts'
import { type Backfill, type BackfillInput, defineBackfill, type ParamsSchema } from './define-backfill.ts'
import { files } from './files.ts'
import { type PartitionBy, partition } from './partition-by.ts'
import { postgres } from './postgres.ts'
import type { AnyRow } from './row-schema.ts'
import { TopicInFile, topicOf } from './topic-in-file.ts'

/** What a column becomes on its way: the words of zod. `text` is lossless for every type, times and numerics included. */
const columnTypes = {
  text: () => z.string(),
  bigint: () => z.bigint(),
  int: () => z.int(),
  number: () => z.number(),
  boolean: () => z.boolean(),
  date: () => z.date(),
  json: () => z.json(),
} as const satisfies Record<string, () => z.ZodType>
type ColumnType = keyof typeof columnTypes

const columnWords = Object.keys(columnTypes).flatMap((type) => [type, `${type}?`])
const Columns = z
  .record(z.string().min(1), z.enum(columnWords as [string, ...string[]]))
  .refine((columns) => Object.keys(columns).length > 0, 'must name at least one column')
  .describe('Columns that are copied, and what they become; a question mark: may be null.')

const paramTypes = {
  text: () => z.string(),
  int: () => z.int(),
  date: () => z.iso.date(),
  instant: () => z.iso.datetime({ offset: true }),
  boolean: () => z.boolean(),
} as const satisfies Record<string, () => z.ZodType>

const Param = z.strictObject({
  type: z.enum(Object.keys(paramTypes) as [keyof typeof paramTypes, ...(keyof typeof paramTypes)[]]),
  default: z.json().optional(),
})

const database = z.string().min(1).optional().describe('Environment variable with the connection string. DATABASE_URL.')
const bounds = z
  .strictObject({ from: z.string(), to: z.string() })
  .optional()
  .describe('Params that hold the first value and the one after the last.')
const rows = z.int().min(1)

const Source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('postgres.table'), table: z.string().min(1), key: z.string().min(1), database }),
  z.strictObject({
    kind: z.literal('files.parquet'),
    path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    position: z.string().min(1).optional(),
  }),
  TopicInFile,
])

const Sink = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('postgres.insert'), table: z.string().min(1), range: z.string().min(1), database }),
  z.strictObject({
    kind: z.literal('postgres.upsert'),
    table: z.string().min(1),
    key: z.array(z.string().min(1)).min(1),
    range: z.string().min(1).optional(),
    database,
  }),
])

const By = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('rowGroup') }),
  z.strictObject({ by: z.literal('rows'), rows }),
  z.strictObject({ by: z.literal('offsets'), records: rows }),
  z.strictObject({
    by: z.literal('time'),
    column: z.string(),
    every: z.string(),
    timezone: z.string().optional(),
    bounds,
  }),
  z.strictObject({ by: z.literal('key'), column: z.string(), size: z.int().min(1), bounds }),
  z.strictObject({
    by: z.literal('quantiles'),
    column: z.string(),
    rows: rows.optional(),
    timezone: z.string().optional(),
    bounds,
  }),
  z.strictObject({ by: z.literal('auto'), rows: rows.optional() }),
])

/** A definition that needs no transform, as a YAML or JSON file: the words of `defineBackfill`. */
export const DefinitionFile = z.strictObject({
  id: BackfillId,
  params: z.record(z.string().min(1), Param).default({}),
  source: Source,
  columns: Columns,
  partitionBy: By,
  sink: Sink,
  limits: z
    .record(z.string(), z.union([z.number(), z.null()]))
    .optional()
    .describe('As in defineBackfill: chunkRows, maxRejectedRows, chunkTimeoutMs …'),
  redact: z.array(z.string()).optional(),
})
export type DefinitionFile = z.infer<typeof DefinitionFile>

/** The definition that a YAML or JSON file holds. Throws TerminalError (DEFINITION_INVALID) with every line that is wrong. */
export async function readDefinitionFile(file: string): Promise<Backfill> {
  const document = parseDocument(await readFile(file, 'utf8'), { prettyErrors: true, uniqueKeys: true })
  const [broken] = document.errors
  if (broken !== undefined) throw new TerminalError('DEFINITION_INVALID', broken.message.trim(), { cause: broken })
  const json: unknown = document.toJS()
  const parsed = DefinitionFile.safeParse(json)
  if (parsed.success) return toBackfill(parsed.data)
  const reasons = issueLines(parsed.error, json, '')
  throw new TerminalError('DEFINITION_INVALID', reasons.join('; '), { reasons })
}

function toBackfill(given: DefinitionFile): Backfill {
  const schema = z.object(
    Object.fromEntries(Object.entries(given.columns).map(([name, word]) => [name, columnSchema(word)])),
  )
  const { source, sink, limits, redact } = given
  const of = (variable: string | undefined): { database?: string } =>
    variable === undefined ? {} : { database: variable }
  // Column names are texts here, and looked at when the table is.
  const input = {
    id: given.id,
    params: paramsSchema(given.params),
    source:
      source.kind === 'kafka.topic'
        ? topicOf(source, schema)
        : source.kind === 'postgres.table'
          ? postgres.table<AnyRow>(source.table, { schema, key: source.key, ...of(source.database) })
          : files.parquet<AnyRow, string>(source.path, {
              schema: source.position === undefined ? schema : schema.omit({ [source.position]: true }),
              ...(source.position === undefined ? {} : { position: source.position }),
            }),
    partitionBy: partitionOf(given.partitionBy),
    sink:
      sink.kind === 'postgres.insert'
        ? postgres.insert<AnyRow>(sink.table, { schema, range: sink.range, ...of(sink.database) })
        : postgres.upsert<AnyRow>(sink.table, {
            ...{ schema, key: sink.key, ...of(sink.database) },
            ...(sink.range === undefined ? {} : { range: sink.range }),
          }),
    ...(limits === undefined ? {} : { limits }),
    ...(redact === undefined ? {} : { redact }),
  }
  return defineBackfill(input as unknown as BackfillInput<ParamsSchema, AnyRow, AnyRow>)
}

function columnSchema(word: string): z.ZodType {
  const type = columnTypes[word.replace(/\?$/, '') as ColumnType]()
  return word.endsWith('?') ? type.nullable() : type
}

function paramsSchema(params: DefinitionFile['params']): ParamsSchema {
  return z.object(
    Object.fromEntries(
      Object.entries(params).map(([name, { type, default: value }]) => {
        const schema: z.ZodType = paramTypes[type]()
        return [name, value === undefined ? schema : schema.default(value)]
      }),
    ),
  )
}

function partitionOf(given: DefinitionFile['partitionBy']): PartitionBy {
  switch (given.by) {
    case 'rowGroup':
      return partition.byRowGroup()
    case 'rows':
      return partition.byRows(given.rows)
    case 'offsets':
      return partition.byOffsets(given.records)
    case 'auto':
      return partition.auto(given.rows === undefined ? {} : { rows: given.rows })
    case 'key':
      return { kind: 'key', column: given.column, size: BigInt(given.size), bounds: given.bounds ?? null }
    case 'time':
      return { kind: 'time', ...common(given), every: given.every }
    case 'quantiles':
      return {
        ...partition.byQuantiles(given.column, given.rows === undefined ? {} : { rows: given.rows }),
        ...common(given),
      }
  }
}

const common = (given: {
  readonly column: string
  readonly timezone?: string | undefined
  readonly bounds?: { readonly from: string; readonly to: string } | undefined
}) => ({ column: given.column, timezone: given.timezone ?? 'UTC', bounds: given.bounds ?? null })

/** True for the names of files that hold a definition as data; other YAML and JSON files may lie beside them. */
export const isDefinitionFile = (name: string): boolean => /\.backfill\.(ya?ml|json)$/.test(name)
