import { describe, expect, test } from 'vitest'
import { topicConfigOf } from '../../src/process/client-options.ts'

const environment = {
  KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092',
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'ana',
  KAFKA_SASL_PASSWORD: 'secret',
  SCHEMA_REGISTRY_URL: 'http://registry:8081',
  SCHEMA_REGISTRY_PASSWORD: 'hidden',
  TIDEMARK_TOPIC_PREFIX: 'ours',
}

describe('how a program reaches the topics', () => {
  test('the environment says it all, and no database', () => {
    expect(topicConfigOf({}, environment)).toMatchObject({
      kafka: { brokers: ['kafka-1:9092', 'kafka-2:9092'], sasl: { username: 'ana', password: 'secret' } },
      registry: { url: 'http://registry:8081', password: 'hidden' },
      topicPrefix: 'ours',
    })
  })

  test('options win, and no login goes to servers it was not given for', () => {
    const registry = { url: 'http://other:8081' }
    const config = topicConfigOf({ brokers: ['other:9092'], registry, topicPrefix: 'theirs' }, environment)
    expect(config).toMatchObject({ kafka: { brokers: ['other:9092'] }, topicPrefix: 'theirs' })
    expect(config.kafka.sasl).toBeUndefined()
    expect(config.registry).toEqual({ url: 'http://other:8081', username: undefined, password: undefined })
  })

  test('what is missing or wrong is named as option and as variable, and no secret is shown', () => {
    expect(() => topicConfigOf({}, {})).toThrow('brokers (KAFKA_BROKERS) is not set')
    const wrong = { brokers: ['kafka'], topicPrefix: 'a b', registry: { url: 'no url', password: 'secret' } }
    expect(() => topicConfigOf(wrong, {})).toThrow(
      /^brokers \(KAFKA_BROKERS\) is "kafka": must be host:port; registry.url \(SCHEMA_REGISTRY_URL\) is not right: .*; topicPrefix \(TIDEMARK_TOPIC_PREFIX\) is "a b": must be 1 to 100/,
    )
  })
})
