import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { RetryableError, TerminalError } from '../../src/contract/errors.ts'
import { kafkaUnreachable } from '../../src/kafka/client.ts'
import { topicFailure } from '../../src/kafka/topic-failure.ts'
import { readConfig } from '../../src/process/config.ts'

const require = createRequire(import.meta.url)
const { KafkaJSSASLAuthenticationError } = require('kafkajs/src/errors') as {
  KafkaJSSASLAuthenticationError: new (message: string) => Error
}
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as { createErrorFromCode(code: number): Error }
const config = readConfig({ KAFKA_BROKERS: 'broker:9092', DATABASE_URL: 'postgres://user@host/database' })

describe('what a broker says of a topic', () => {
  it.each<[string, number, string]>([
    ['not authorised', 29, 'topic "orders" may not be read by this client: allow it to describe and to read the topic'],
    ['no name of a topic', 17, '"orders" is no name of a topic'],
    ['damaged records', 2, 'topic "orders" cannot be read'],
  ])('%s is for a person to see to', (_what, code, message) => {
    const error = topicFailure(config, 'orders', createErrorFromCode(code))
    expect(error).toBeInstanceOf(TerminalError)
    expect(error).toMatchObject({ code: 'SOURCE_NOT_READABLE', message: expect.stringContaining(message) })
  })

  it.each<[string, Error]>([
    ['another leader', createErrorFromCode(6)],
    ['no leader', createErrorFromCode(5)],
    ['a leader that knows less than we do', createErrorFromCode(75)],
    ['a broker that failed', createErrorFromCode(-1)],
    ['a word that kafkajs does not know', createErrorFromCode(109)],
    ['a connection that ended', new kafkajs.KafkaJSConnectionError('Closed connection', {})],
  ])('%s passes by itself', (_what, error) => {
    expect(topicFailure(config, 'orders', error)).toMatchObject({
      ...{
        name: 'RetryableError',
        code: 'KAFKA_UNREACHABLE',
        message: expect.stringContaining('reading topic "orders"'),
      },
    })
  })

  it('a login that is refused is for a person to see to, also while connecting', () => {
    const refused = new KafkaJSSASLAuthenticationError('SASL PLAIN authentication failed')
    for (const error of [refused, kafkaUnreachable(config, 'connecting', refused)])
      expect(topicFailure(config, 'orders', error)).toMatchObject({
        ...{ code: 'SOURCE_NOT_READABLE', message: expect.stringContaining('the brokers refuse the login') },
      })
  })

  it('our own errors, and our own mistakes, stay what they are', () => {
    for (const error of [
      new RetryableError('TIMED_OUT', 'a'),
      new TerminalError('CONFIG_INVALID', 'b'),
      new TypeError('c'),
    ])
      expect(topicFailure(config, 'orders', error)).toBe(error)
  })
})
