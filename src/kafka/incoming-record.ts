import type { IncomingRecord } from '../status/record-feed.ts'
import type { Codec } from './codec.ts'

/** A record as kafkajs, or its decoder, hands it over. */
export interface ReadRecord {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>> | undefined
}
type HeaderValue = Buffer | string | null | undefined

/** A record as the rest of the system knows records. */
export function incomingRecord(
  topic: string,
  topicPartition: number,
  record: ReadRecord,
  codec: Codec,
): IncomingRecord {
  const { value } = record
  return {
    topic,
    topicPartition,
    offset: record.offset,
    key: record.key === null ? null : record.key.toString('utf8'),
    value,
    get headers() {
      return textHeaders(record.headers)
    },
    json: () => codec.decode(value ?? Buffer.alloc(0)),
  }
}

function textHeaders(headers: ReadRecord['headers']): Record<string, string> {
  const text: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = isSeveral(value) ? value[0] : value
    if (first !== undefined && first !== null) text[name] = first.toString('utf8')
  }
  return text
}

const isSeveral = (value: HeaderValue | readonly HeaderValue[]): value is readonly HeaderValue[] => Array.isArray(value)
