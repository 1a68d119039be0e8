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
import { Schedule } from './schedule.ts'
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
  list: () => z.array(z.union([z.string(), z.number()])),
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
const oneOrMore = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)])

const fileFields = {
  path: oneOrMore,
  position: z.string().min(1).optional(),
}
const textFields = { ...fileFields, maxRecordBytes: z.int().min(1).optional() }
const character = z.string().regex(/^[\t\x20-\x7e]$/, 'must be one printable ASCII character or a tab')

const Source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('postgres.table'), table: z.string().min(1), key: oneOrMore, database }),
  z.strictObject({ kind: z.literal('files.parquet'), ...fileFields }),
  z.strictObject({
    kind: z.literal('files.csv'),
    ...textFields,
    header: z
      .union([z.literal(true), z.array(z.string()).min(1)])
      .optional()
      .describe('True: the first record of each file names the columns. Otherwise their names.'),
    delimiter: character.optional(),
    quote: character.nullable().optional(),
    quotedNewlines: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('files.ndjson'), ...textFields }),
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
  z.strictObject({ by: z.literal('bytes'), bytes: z.int().min(1).optional() }),
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
    column: oneOrMore,
    rows: rows.optional(),
    timezone: z.string().optional(),
    bounds,
  }),
  z.strictObject({
    by: z.literal('list'),
    column: z.string(),
    values: z.string().describe('Param that holds the list.'),
    size: z.int().min(1).optional(),
  }),
  z.strictObject({ by: z.literal('hash'), column: z.string(), partitions: z.int().min(1) }),
  z.strictObject({ by: z.literal('blocks'), rows: rows.optional() }),
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
  schedule: Schedule.optional().describe('When it runs by itself.'),
  follow: z
    .boolean()
    .optional()
    .describe("When a run has completed, rows that came in above its bounds are the next run's, and so on."),
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
  const { source, sink, limits, redact, follow, schedule } = given
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
          : fileSource(source, schema),
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
    ...(follow === undefined ? {} : { follow }),
    ...(schedule === undefined ? {} : { schedule }),
  }
  return defineBackfill(input as unknown as BackfillInput<ParamsSchema, AnyRow, AnyRow>)
}

function fileSource(
  given: Exclude<DefinitionFile['source'], { kind: 'postgres.table' | 'kafka.topic' }>,
  columns: z.ZodObject<Record<string, z.ZodType>>,
): BackfillInput<ParamsSchema, AnyRow, AnyRow>['source'] {
  const { position } = given
  const schema = z.object(Object.fromEntries(Object.entries(columns.shape).filter(([name]) => name !== position)))
  const { kind: _kind, path, ...said } = given
  const options = { ...definedOf(said), schema }
  switch (given.kind) {
    case 'files.parquet':
      return files.parquet<AnyRow, string>(path, options)
    case 'files.csv':
      return files.csv<AnyRow, string>(path, options)
    case 'files.ndjson':
      return files.ndjson<AnyRow, string>(path, options)
  }
}

/** Without what is left out, which is something else than undefined. */
const definedOf = <Fields extends object>(
  fields: Fields,
): { [Field in keyof Fields]: Exclude<Fields[Field], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never

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
    case 'bytes':
      return partition.byBytes(given.bytes)
    case 'offsets':
      return partition.byOffsets(given.records)
    case 'auto':
      return partition.auto(given.rows === undefined ? {} : { rows: given.rows })
    case 'key':
      return { kind: 'key', column: given.column, size: BigInt(given.size), bounds: given.bounds ?? null }
    case 'time':
      return { kind: 'time', column: given.column, ...within(given), every: given.every }
    case 'quantiles':
      return {
        ...partition.byQuantiles(given.column as string, given.rows === undefined ? {} : { rows: given.rows }),
        ...within(given),
        columns: typeof given.column === 'string' ? [given.column] : given.column,
      }
    case 'list':
      return partition.byList(given.column, {
        values: given.values,
        ...(given.size === undefined ? {} : { size: given.size }),
      })
    case 'blocks':
      return partition.byBlocks(given.rows === undefined ? {} : { rows: given.rows })
    case 'hash':
      return partition.byHash(given.column, { partitions: given.partitions })
  }
}

const within = (given: {
  readonly timezone?: string | undefined
  readonly bounds?: { readonly from: string; readonly to: string } | undefined
}) => ({ timezone: given.timezone ?? 'UTC', bounds: given.bounds ?? null })

/** True for the names of files that hold a definition as data; other YAML and JSON files may lie beside them. */
export const isDefinitionFile = (name: string): boolean => /\.backfill\.(ya?ml|json)$/.test(name)
