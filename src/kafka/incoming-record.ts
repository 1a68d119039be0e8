import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { IncomingRecord } from '../status/record-feed.ts'
import type { Codec } from './codec.ts'

/** A message of kafkajs as the rest of the system knows records. */
export function incomingRecord(
  topic: string,
  topicPartition: number,
  message: KafkaMessage,
  codec: Codec,
): IncomingRecord {
  const { value } = message
  return {
    topic,
    topicPartition,
    offset: message.offset,
    key: message.key === null ? null : message.key.toString('utf8'),
    value,
    get headers() {
      return textHeaders(message.headers)
    },
    json: () => codec.decode(value ?? Buffer.alloc(0)),
  }
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  const text: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) text[name] = first.toString('utf8')
  }
  return text
}
