import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { z } from 'zod'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import { topicCatalog, topicName } from './topic-catalog.ts'

/** Values to bytes and back. Payloads are the same with and without a registry, only the framing differs. */
export interface Codec {
  readonly contentType: string
  encode(topic: string, value: unknown): Promise<Buffer>
  /** Reads both framings. Throws TerminalError (MESSAGE_INVALID). */
  decode(value: Buffer): Promise<unknown>
}

/** JSON Schema of a message as the registry takes it: draft 7, open, so that an added optional field stays forward compatible. */
export const jsonSchemaOf = (schema: z.ZodType): z.core.JSONSchema.BaseSchema =>
  z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })

export function createCodec(config: TopicConfig): Codec {
  return config.registry === undefined ? plainCodec : registryCodec(config, openRegistry(config.registry))
}

const wireFormat = 0
/** What `content-type` says of a value in wire format. */
export const confluentJson = 'application/vnd.confluent.json'

const plainCodec: Codec = {
  contentType: 'application/json',
  encode: (_topic, value) => Promise.resolve(Buffer.from(JSON.stringify(value))),
  decode: async (value) => {
    if (value[0] === wireFormat)
      throw new TerminalError(
        'MESSAGE_INVALID',
        'the value is in Confluent wire format, and this process has no schema registry: set SCHEMA_REGISTRY_URL',
      )
    return parseJson(value)
  },
}

function parseJson(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'))
  } catch (error) {
    const start = JSON.stringify(value.toString('utf8', 0, 60))
    throw new TerminalError('MESSAGE_INVALID', `the value is not JSON (${messageOf(error)}); it begins with ${start}`)
  }
}

type Registry = NonNullable<TopicConfig['registry']>

function openRegistry({ url, username, password }: Registry): SchemaRegistry {
  return new SchemaRegistry(
    { host: url, retry: { retries: 3 }, ...(username ? { auth: { username, password: password ?? '' } } : {}) },
    // zod writes date-time as a pattern too, so nothing is lost by not checking formats.
    { [SchemaType.JSON]: { validateFormats: false, allErrors: true } },
  )
}

function registryCodec(config: TopicConfig, registry: SchemaRegistry): Codec {
  const ids = new Map<string, Promise<number>>()
  const idOf = (topic: string): Promise<number> => {
    const known = ids.get(topic)
    if (known !== undefined) return known
    const looked = lookUp(config, registry, topic)
    ids.set(topic, looked)
    looked.catch(() => ids.delete(topic))
    return looked
  }
  return {
    contentType: confluentJson,
    encode: async (topic, value) => registry.encode(await idOf(topic), value),
    decode: async (value) => {
      if (value[0] !== wireFormat) return parseJson(value)
      try {
        return (await registry.decode(value)) as unknown
      } catch (error) {
        if (value.length < 5) throw new TerminalError('MESSAGE_INVALID', 'the value ends inside the Confluent header')
        const id = value.readUInt32BE(1)
        if (isUnreachable(error)) throw registryUnreachable(config, error)
        throw new TerminalError(
          'MESSAGE_INVALID',
          `the value cannot be decoded with schema ${id}: ${messageOf(error)}`,
          {
            cause: error,
          },
        )
      }
    },
  }
}

async function lookUp(config: TopicConfig, registry: SchemaRegistry, topic: string): Promise<number> {
  const declared = topicCatalog.find((entry) => topicName(config.topicPrefix, entry.name) === topic)
  if (declared === undefined) throw new TerminalError('TOPIC_MISMATCH', `topic ${topic} is not declared`)
  try {
    return await registry.getRegistryIdBySchema(`${topic}-value`, registered(declared.value))
  } catch (error) {
    if (isUnreachable(error)) throw registryUnreachable(config, error)
    throw new TerminalError(
      'TOPIC_MISMATCH',
      `the schema of ${topic} is not registered under ${topic}-value: run "tidemark topics apply" (${messageOf(error)})`,
      { cause: error },
    )
  }
}

const registered = (schema: z.ZodType): { type: SchemaType.JSON; schema: string } => ({
  type: SchemaType.JSON,
  schema: JSON.stringify(jsonSchemaOf(schema)),
})

/** Registers the schema of every topic; the registry refuses one that is not forward compatible. Nothing without a registry. */
export async function registerSchemas(config: TopicConfig): Promise<void> {
  if (config.registry === undefined) return
  const registry = openRegistry(config.registry)
  for (const declared of topicCatalog) {
    const subject = `${topicName(config.topicPrefix, declared.name)}-value`
    try {
      await registry.register(registered(declared.value), { subject, compatibility: COMPATIBILITY.FORWARD_TRANSITIVE })
    } catch (error) {
      if (isUnreachable(error)) throw registryUnreachable(config, error)
      throw new TerminalError('TOPIC_MISMATCH', `the registry refuses the schema of ${subject}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

/**
 * Whether the registry gave no answer that says anything of the schema or the value: it was not reached (the client
 * makes that a status 400 with the cause in the text, kafkajs/confluent-schema-registry#306), failed, or refused us.
 */
const isUnreachable = (error: unknown): boolean =>
  noAnswer(error) ||
  /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|socket hang up|fetch failed/i.test(
    messageOf(error),
  )

function noAnswer(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('status' in error) || typeof error.status !== 'number')
    return false
  return error.status >= 500 || [401, 403, 408, 429].includes(error.status)
}

const registryUnreachable = (config: TopicConfig, error: unknown): RetryableError =>
  new RetryableError(
    'REGISTRY_UNREACHABLE',
    `the schema registry at ${config.registry?.url} does not answer: ${messageOf(error)}. Check that it runs, and SCHEMA_REGISTRY_URL, _USERNAME and _PASSWORD`,
    { cause: error },
  )
