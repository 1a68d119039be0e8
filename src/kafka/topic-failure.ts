import kafkajs from 'kafkajs'
import { messageOf, RetryableError, TerminalError } from '../contract/errors.ts'
import type { TopicConfig } from '../process/config.ts'
import { kafkaUnreachable } from './client.ts'

/** What kafkajs threw, as ours: what passes by itself, and what a person must see to. */
export function topicFailure(config: TopicConfig, topic: string, error: unknown): Error {
  const cause = error instanceof RetryableError ? error.cause : error
  // To be seen to by a person, or a request for a run would wait for ever.
  if (cause instanceof kafkajs.KafkaJSSASLAuthenticationError)
    return topicUnreadable(`topic "${topic}" cannot be read: the brokers refuse the login (${messageOf(cause)})`, cause)
  if (!(error instanceof kafkajs.KafkaJSError)) return error instanceof Error ? error : new Error(messageOf(error))
  const isFinal =
    error instanceof kafkajs.KafkaJSProtocolError &&
    (error.retriable ? error.type === 'CORRUPT_MESSAGE' : !passing.has(error.type))
  return isFinal
    ? topicUnreadable(topicProblem(topic, error), error)
    : kafkaUnreachable(config, `reading topic "${topic}"`, error)
}

/** Not to be retried, in the eyes of kafkajs; they pass when the broker does, or another one leads. */
const passing: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'KAFKAJS_UNKNOWN_ERROR_CODE',
])

/** A broker's refusal, with what to do about it. */
function topicProblem(topic: string, error: InstanceType<typeof kafkajs.KafkaJSProtocolError>): string {
  switch (error.type) {
    case 'TOPIC_AUTHORIZATION_FAILED':
      return `topic "${topic}" may not be read by this client: allow it to describe and to read the topic`
    case 'INVALID_TOPIC_EXCEPTION':
      return `"${topic}" is no name of a topic: letters, digits, dots, underscores and hyphens, 249 at most`
    default:
      return `topic "${topic}" cannot be read: ${error.message} (${error.type})`
  }
}

/** What a person must see to. */
export const topicUnreadable = (reason: string, cause?: unknown): TerminalError =>
  new TerminalError('SOURCE_NOT_READABLE', reason, cause === undefined ? undefined : { cause })
