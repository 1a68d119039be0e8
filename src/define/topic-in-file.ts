import { z } from 'zod'
import { kafka } from './kafka.ts'
import type { AnyRow } from './row-schema.ts'
import type { RecordFields, RecordValue, SourceDefinition } from './source-definition.ts'

const field = z.string().min(1).optional()
/** A topic as a definition file names it. */
export const TopicInFile = z.strictObject({
  kind: z.literal('kafka.topic'),
  topic: z.string().min(1),
  value: z.enum(['json', 'text']).optional().describe('text: the value is the column "value".'),
  fields: z
    .strictObject({ key: field, topicPartition: field, offset: field, timestamp: field, headers: field })
    .optional()
    .describe('Columns that receive what a record has besides its value.'),
  position: field,
  tombstones: z.enum(['reject', 'skip']).optional(),
  brokers: z.string().min(1).optional().describe('Environment variable with the brokers. KAFKA_BROKERS.'),
})

/** The topic; `columns` has those of its fields too. */
export function topicOf(
  { topic, kind: _kind, fields = {}, ...options }: z.infer<typeof TopicInFile>,
  columns: z.ZodObject,
): SourceDefinition<AnyRow> {
  const parts = present(fields)
  const given = [...Object.values(parts), options.position].filter(
    (name) => name !== undefined && name in columns.shape,
  )
  const schema = columns.omit(Object.fromEntries(given.map((name) => [name, true])))
  return kafka.topic<AnyRow, RecordFields, string, RecordValue>(topic, { schema, fields: parts, ...present(options) })
}

/** Without what was left out: a word that is there has a value. */
function present<Given extends object>(given: Given): { [Name in keyof Given]: Exclude<Given[Name], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as never
}
