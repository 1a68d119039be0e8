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
  return new ReceivedRecord(topic, topicPartition, record, codec)
}

/** There are very many: what is not always asked for is made when it is. */
class ReceivedRecord implements IncomingRecord {
  readonly topic: string
  readonly topicPartition: number
  readonly offset: string
  readonly value: Buffer | null
  private readonly record: ReadRecord
  private readonly codec: Codec

  constructor(topic: string, topicPartition: number, record: ReadRecord, codec: Codec) {
    this.topic = topic
    this.topicPartition = topicPartition
    this.offset = record.offset
    this.value = record.value
    this.record = record
    this.codec = codec
  }

  get key(): string | null {
    return this.record.key?.toString('utf8') ?? null
  }

  get headers(): Readonly<Record<string, string>> {
    return textHeaders(this.record.headers)
  }

  json(): Promise<unknown> {
    return this.codec.decode(this.value ?? Buffer.alloc(0))
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
