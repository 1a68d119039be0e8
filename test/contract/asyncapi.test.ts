import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { topicCatalog } from '../../src/kafka/topic-catalog.ts'
import { asyncApi } from '../../tools/asyncapi.ts'
import { topicSamples } from '../../tools/topic-samples.ts'

const require = createRequire(import.meta.url)
const content = readFileSync(new URL('../../topics/asyncapi.json', import.meta.url), 'utf8')
interface Message {
  readonly name: string
  readonly payload: { readonly $ref?: string }
  readonly headers?: object
  readonly examples?: readonly { readonly payload: unknown; readonly headers?: object }[]
}
interface Document {
  readonly channels: Record<
    string,
    { readonly address: string; readonly messages: Record<string, { readonly $ref: string }> }
  >
  readonly operations: Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  readonly components: { readonly messages: Record<string, Message> }
}
const document = JSON.parse(content) as Document

/** What a reference of the document points to. */
const find = (ref: string): unknown =>
  ref
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document)

describe('topics/asyncapi.json', () => {
  test('is as the contracts and topics are (npm run schemas:generate)', async () => {
    expect(content).toBe(await asyncApi())
  })

  test('is AsyncAPI 3, by its own schema, which would see what is not', () => {
    const schema = require('@asyncapi/specs/schemas/3.0.0.json') as object
    // The schema brings the one of JSON Schema along, which ajv would have twice.
    const ajv = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false })
    const isAsyncApi = ajv.compile(schema)
    expect(isAsyncApi(document), ajv.errorsText(isAsyncApi.errors, { separator: '\n' })).toBe(true)
    const [id, operation] = Object.entries(document.operations)[0] ?? []
    const published = { ...document.operations, [String(id)]: { ...operation, action: 'publish' } }
    expect(isAsyncApi({ ...document, operations: published })).toBe(false)
  })

  test('every reference points to something', () => {
    const refs = [...content.matchAll(/"\$ref": "([^"]+)"/g)].map(([, ref = '']) => ref)
    expect(refs.length).toBeGreaterThan(100)
    for (const ref of refs) expect(find(ref), ref).toBeDefined()
  })

  test('has every topic, and every sample as an example of its message', () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual(
      topicCatalog.map(({ name }) => `{prefix}.${name}`),
    )
    for (const { name } of topicCatalog) {
      const messages = Object.values(document.channels[name]?.messages ?? {}).map(({ $ref }) => find($ref) as Message)
      const shown = messages.flatMap(({ examples = [] }) => examples.map(({ payload }) => payload))
      for (const sample of topicSamples[name]) expect(shown).toContainEqual(sample)
    }
  })

  test('every example is what its schemas say, headers too', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false })
    ajv.addSchema(document as object, 'all')
    for (const [id, { payload, headers, examples = [] }] of Object.entries(document.components.messages))
      for (const example of examples) {
        const at = `all#/components/messages/${id.replaceAll('/', '~1')}`
        const isRight = ajv.validate({ $ref: `${at}/payload` }, example.payload)
        expect(isRight, `${id}: ${ajv.errorsText()}`).toBe(true)
        expect(payload).toBeDefined()
        if (headers !== undefined)
          expect(ajv.validate({ $ref: `${at}/headers` }, example.headers), `${id}: ${ajv.errorsText()}`).toBe(true)
      }
  })

  test('an event of another type is not taken for one of these', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false })
    ajv.addSchema(document as object, 'all')
    const planned = { $ref: 'all#/components/messages/status.run.planned/payload' }
    const sample = topicSamples.status.find((event) => 'type' in event && event.type === 'run.completed')
    expect(ajv.validate(planned, sample)).toBe(false)
  })
})
