import { createRequire } from 'node:module'
import type { KafkaMessage } from 'kafkajs'
import { addDecompression } from './compression.ts'
import type { RecordBatch } from './record-batches.ts'

export interface TopicRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** Several values of a name that was given more than once. */
  readonly headers: Readonly<Record<string, HeaderBytes | readonly HeaderBytes[]>>
}
type HeaderBytes = Buffer | null

addDecompression()
const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<{ readonly records: readonly KafkaMessage[] }>

/** The records of a batch by kafkajs's own decoder, which is not documented, hence pinned by a test and by the exact version. */
export async function recordsOf({ bytes }: RecordBatch): Promise<TopicRecord[]> {
  const { records } = await decode(new Decoder(bytes))
  return records.map(({ offset, key, value, timestamp, headers }) => ({
    offset: BigInt(offset),
    key,
    value,
    timestamp: Number(timestamp),
    // The types of kafkajs say texts and undefined too: what one may send.
    headers: (headers ?? {}) as TopicRecord['headers'],
  }))
}
