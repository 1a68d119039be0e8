import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createCodec, registerSchemas } from '../../src/kafka/codec.ts'
import { topicCatalog, topicName } from '../../src/kafka/topic-catalog.ts'
import { topicSamples } from '../../tools/topic-samples.ts'
import { testConfig } from '../support/test-config.ts'

test('with a registry every message is in Confluent wire format, and any client reads it with the schema it finds there', async () => {
  const config = testConfig({ SCHEMA_REGISTRY_URL: inject('SCHEMA_REGISTRY_URL') })
  await registerSchemas(config)
  await registerSchemas(config)
  const codec = createCodec(config)
  const stranger = new SchemaRegistry(
    { host: inject('SCHEMA_REGISTRY_URL') },
    { [SchemaType.JSON]: { validateFormats: false } },
  )
  for (const { name } of topicCatalog)
    for (const sample of topicSamples[name]) {
      const value = await codec.encode(topicName(config.topicPrefix, name), sample)
      expect(value[0]).toBe(0)
      expect(await stranger.decode(value)).toEqual(sample)
      expect(await codec.decode(value)).toEqual(sample)
    }
})

test('plain JSON is read with a registry too, and wire format without one says what to set', async () => {
  const config = testConfig({ SCHEMA_REGISTRY_URL: inject('SCHEMA_REGISTRY_URL') })
  await registerSchemas(config)
  const withRegistry = createCodec(config)
  expect(await withRegistry.decode(Buffer.from('{"a":1}'))).toEqual({ a: 1 })
  const value = await withRegistry.encode(topicName(config.topicPrefix, 'tasks'), topicSamples.tasks[0])
  await expect(createCodec(testConfig()).decode(value)).rejects.toThrow('set SCHEMA_REGISTRY_URL')
})

test('schemas that were never registered, and a registry that is away, are named with the remedy', async () => {
  const unregistered = testConfig({ SCHEMA_REGISTRY_URL: inject('SCHEMA_REGISTRY_URL') })
  const topic = topicName(unregistered.topicPrefix, 'status')
  await expect(createCodec(unregistered).encode(topic, topicSamples.status[0])).rejects.toThrow('tidemark topics apply')
  const away = testConfig({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' })
  await expect(registerSchemas(away)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
})

test.each([500, 503, 401, 429])(
  'a registry that answers %i has said nothing of the message: it comes again',
  async (status) => {
    const registry = createServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"the database is away"}')
    })
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void registry.close())
    const { port } = registry.address() as AddressInfo
    const codec = createCodec(testConfig({ SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` }))
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from('{}')])
    await expect(codec.decode(value)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  },
)
