import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Sha256 } from '../contract/ids.ts'
import type { Backfill } from './define-backfill.ts'
import type { RowSchema } from './row-schema.ts'

type Json = z.core.util.JSONType

/** A definition as plain JSON: what a run stores, what a plan prints, what the hash is made of. */
export interface BackfillDescription {
  readonly [field: string]: Json
}

/**
 * The definition as data: schemas as JSON Schema, functions as their source text (not what they call), bigints as
 * decimal strings, without when and how often it is to run, paths and environment variable names as written, so that it
 * is the same on every machine.
 * Throws TerminalError (DEFINITION_INVALID) when a schema cannot be described.
 */
export function describeBackfill({ backfill }: { readonly backfill: Backfill }): BackfillDescription {
  const { id, params, source, partitionBy, transform, sink, limits, redact } = backfill
  return {
    id,
    params: describeSchema(`backfill "${id}", params`, params),
    source: { ...plain(source), schema: describeSchema(`backfill "${id}", source`, source.schema) },
    partitionBy: plain(partitionBy),
    transform: transform === null ? null : Function.prototype.toString.call(transform),
    sink: { ...plain(sink), schema: describeSchema(`backfill "${id}", sink`, sink.schema) },
    limits: plain(limits),
    redact: [...redact],
  }
}

/** SHA-256 of the description's canonical JSON (RFC 8785). */
export function definitionHash(description: BackfillDescription): Sha256 {
  return createHash('sha256')
    .update(canonicalize(description) ?? '')
    .digest('hex')
}

/** Everything but the schema, which is described by itself. */
function plain(data: object): { [field: string]: Json } {
  const json: unknown = JSON.parse(
    JSON.stringify(data, (field, value: unknown) =>
      field === 'schema'
        ? undefined
        : typeof value === 'bigint' || typeof value === 'function'
          ? value.toString()
          : value,
    ),
  )
  return z.record(z.string(), z.json()).parse(json)
}

/** What JSON Schema has no word for: without its name, a date could replace a bigint unnoticed. */
const unrepresentable: ReadonlySet<string> = new Set([
  'bigint',
  'date',
  'undefined',
  'nan',
  'map',
  'set',
  'custom',
  'transform',
])

function describeSchema(where: string, schema: RowSchema<unknown>): Json {
  if (!(schema instanceof z.core.$ZodType)) return { vendor: schema['~standard'].vendor }
  try {
    return z.json().parse(
      JSON.parse(
        JSON.stringify(
          z.toJSONSchema(schema, {
            io: 'input',
            unrepresentable: 'any',
            override: ({ zodSchema, jsonSchema }) => {
              const { def } = zodSchema._zod
              if (unrepresentable.has(def.type)) jsonSchema['x-zod-type'] = def.type
              if ('coerce' in def && def.coerce === true) jsonSchema['x-zod-coerce'] = true
            },
          }),
        ),
      ),
    )
  } catch (error) {
    throw new TerminalError('DEFINITION_INVALID', `${where}: the schema cannot be described: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
