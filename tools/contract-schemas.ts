// The JSON Schemas of messages with what they share taken out, for documents that hold many of them.
import { z } from 'zod'
import { About, AlertKind, AlertSeverity, RepairKind } from '../src/contract/alert.ts'
import { Totals } from '../src/contract/certificate.ts'
import { Intent } from '../src/contract/control.ts'
import { FailedPartition } from '../src/contract/dead-letter.ts'
import { BackfillId, PartitionId, RequestKey, RunId, Sha256, WorkerId } from '../src/contract/ids.ts'
import { Instant } from '../src/contract/instant.ts'
import { PlanReport } from '../src/contract/plan-report.ts'
import { Cursor, KeyRange } from '../src/contract/range.ts'
import { RunState } from '../src/contract/states.ts'
import { StageTimings, StatusEvent } from '../src/contract/status.ts'
import { type EventType, eventTypes } from '../src/subscribe/read-event.ts'

export type JsonSchema = z.core.JSONSchema.BaseSchema

/** What messages have in common, by name, with what to say of it. */
const shared: readonly (readonly [string, z.ZodType, string])[] = [
  ['About', About, 'What an alert or a repair is about, as far as it is about one.'],
  ['AlertKind', AlertKind, 'What can be wrong.'],
  ['AlertSeverity', AlertSeverity, 'How bad it is.'],
  ['BackfillId', BackfillId, 'Lower-case words joined by hyphens.'],
  ['Cursor', Cursor, 'Position of the last row handled; opaque to all but the source that gave it.'],
  ['FailedPartition', FailedPartition, 'A partition that failed for good: what a person needs to look into it.'],
  ['Instant', Instant, 'RFC 3339 in UTC.'],
  ['Intent', Intent, 'What a person wants a run to be.'],
  ['KeyRange', KeyRange, 'Half-open range [from, to) of the source, in the text form of its kind of key.'],
  ['PartitionId', PartitionId, 'UUIDv5 of run and range.'],
  ['PlanReport', PlanReport, 'What a start request would do.'],
  ['RepairKind', RepairKind, 'What can be mended.'],
  ['RequestKey', RequestKey, "The client's own name for a request."],
  ['RunId', RunId, 'UUIDv7.'],
  ['RunState', RunState, 'Where a run is in its life.'],
  ['Sha256', Sha256, '64 lower-case hexadecimal digits.'],
  ['StageTimings', StageTimings, 'Milliseconds, stage by stage.'],
  ['Totals', Totals, 'What was done so far, as absolute totals.'],
  ['WorkerId', WorkerId, 'Stable name of a worker.'],
]

const names = z.registry<{ id: string; description: string }>()
for (const [id, schema, description] of shared) names.add(schema, { id, description })

export interface TakenApart {
  readonly schema: JsonSchema
  /** What it refers to, by name. */
  readonly parts: Readonly<Record<string, JsonSchema>>
}

/** A schema whose references are `prefix` and the name of a part. Fields may be more than it says, as readers see it. */
export function takenApart(schema: z.ZodType, prefix: string): TakenApart {
  const {
    $schema: _,
    definitions = {},
    ...own
  } = z.toJSONSchema(schema, {
    ...{ target: 'draft-7', io: 'input', metadata: names },
  }) as JsonSchema & { definitions?: Record<string, JsonSchema> }
  // The only schema that refers to itself is that of any JSON.
  const nameOf = (name: string): string => (name.startsWith('__schema') ? 'Json' : name)
  const renamed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renamed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, of]) =>
        key === '$ref' ? [key, `${prefix}${nameOf(String(of).replace('#/definitions/', ''))}`] : [key, renamed(of)],
      ),
    )
  }
  const parts = Object.entries(definitions).map(([name, { id: _id, ...part }]) => [nameOf(name), renamed(part)])
  return { schema: renamed(own) as JsonSchema, parts: Object.fromEntries(parts) as Record<string, JsonSchema> }
}

/** The schema of each type of event alone. */
export const eventSchemas: ReadonlyMap<EventType, z.ZodObject> = new Map(
  eventTypes.map((type) => {
    const found = StatusEvent.options.find(({ shape }) => shape.type.safeParse(type).success)
    if (found === undefined) throw new Error(`no schema of ${type}`)
    return [type, (found as z.ZodObject).extend({ type: z.literal(type) })]
  }),
)
