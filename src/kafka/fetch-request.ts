import { createRequire } from 'node:module'
import type { AbortedTransaction } from './record-batches.ts'

/** Where to read, and how much. */
export interface FetchPlace {
  readonly topic: string
  readonly topicPartition: number
  readonly offset: bigint
  /** Of records; a first batch that is larger comes whole. */
  readonly maxBytes: number
  /** How long a broker may wait for a record to come. */
  readonly maxWaitMs: number
}

export interface FetchAnswer {
  readonly errorCode: number
  /** −1 in each when there is an error. */
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Record batches as they stand in the log, the last one perhaps cut off. */
  readonly records: Buffer
}

/** A request as kafkajs sends it over one of its connections. */
export interface ProtocolRequest<Answer> {
  readonly request: object
  readonly response: {
    decode(payload: Buffer): Promise<Answer & { readonly clientSideThrottleTime: number }>
    parse(answer: Answer): Promise<Answer>
  }
  readonly requestTimeout: number
}

const requestTimeoutMs = 10_000
const require = createRequire(import.meta.url)
/** The newest version that kafkajs knows: brokers from 2.3 on answer it. */
const encode = require('kafkajs/src/protocol/requests/fetch/v11/request') as (request: object) => object

/**
 * Asks one topic partition for records, transactions that are open or aborted left out by whoever reads the answer. What
 * kafkajs makes of an answer is not taken: it has no word for a batch without records, which compaction leaves, and so
 * cannot tell where reading goes on. Null: the broker gives nothing yet, for the client is over its quota.
 * Undocumented, hence pinned by a test and by the exact version.
 */
export function fetchRequest({
  topic,
  topicPartition: partition,
  offset,
  maxBytes,
  maxWaitMs,
}: FetchPlace): ProtocolRequest<{ readonly answer: FetchAnswer | null }> {
  const partitions = [{ partition, fetchOffset: offset.toString(), maxBytes }]
  const isolationLevel = 1
  return {
    request: encode({
      ...{ replicaId: -1, maxWaitTime: maxWaitMs, minBytes: 1, maxBytes, isolationLevel },
      topics: [{ topic, partitions }],
    }),
    response: { decode: async (payload) => decode(payload), parse: async (answer) => answer },
    requestTimeout: requestTimeoutMs + maxWaitMs,
  }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  int16(): number {
    return this.#bytes.readInt16BE((this.#at += 2) - 2)
  }
  int32(): number {
    return this.#bytes.readInt32BE((this.#at += 4) - 4)
  }
  int64(): bigint {
    return this.#bytes.readBigInt64BE((this.#at += 8) - 8)
  }
  take(length: number): Buffer {
    return this.#bytes.subarray(this.#at, (this.#at += Math.max(0, length)))
  }
}

function decode(payload: Buffer): { clientSideThrottleTime: number; answer: FetchAnswer | null } {
  const reader = new Reader(payload)
  const clientSideThrottleTime = reader.int32()
  const errorCode = reader.int16()
  reader.int32()
  const topics = reader.int32()
  if (errorCode !== 0) return { clientSideThrottleTime, answer: { ...nothing, errorCode } }
  if (topics < 1) return { clientSideThrottleTime, answer: null }
  reader.take(reader.int16())
  if (reader.int32() < 1) return { clientSideThrottleTime, answer: null }
  reader.int32()
  const heading = {
    errorCode: reader.int16(),
    highWatermark: reader.int64(),
    lastStableOffset: reader.int64(),
    logStartOffset: reader.int64(),
  }
  const abortedTransactions = Array.from({ length: Math.max(0, reader.int32()) }, () => ({
    producerId: reader.int64(),
    firstOffset: reader.int64(),
  }))
  reader.int32()
  return { clientSideThrottleTime, answer: { ...heading, abortedTransactions, records: reader.take(reader.int32()) } }
}

const nothing = {
  highWatermark: -1n,
  lastStableOffset: -1n,
  logStartOffset: -1n,
  abortedTransactions: [],
  records: Buffer.alloc(0),
}
