/** A record batch as it stands in a topic partition. */
export interface RecordBatch {
  readonly firstOffset: bigint
  /** The offset after the last one it was written with, also where compaction has taken that record, or all of them. */
  readonly nextOffset: bigint
  readonly producerId: bigint
  readonly isTransactional: boolean
  /** What end of a transaction it holds instead of records; null for a batch of records. */
  readonly marks: 'abort' | 'commit' | 'other' | null
  readonly bytes: Buffer
}

/** One whose transaction is decided, as far as it has one. */
export interface CommittedBatch extends RecordBatch {
  /** Its records are to be read. */
  readonly isCommitted: boolean
}

/** Begun by a producer at this offset, and aborted. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** Places in a batch of format 2, the only one since Kafka 0.11. */
const at = { length: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, producerId: 43, records: 61 } as const
const beforeLength = 12
const [transactionalBit, controlBit] = [0x10, 0x20]

/**
 * The whole batches of a fetch's answer, in order; the last one of it may be cut off and is left out. Throws RangeError
 * on a format that is not 2.
 */
export function* recordBatches(bytes: Buffer): Generator<RecordBatch> {
  let begin = 0
  while (bytes.length - begin > at.magic) {
    const end = begin + beforeLength + bytes.readInt32BE(begin + at.length)
    if (end > bytes.length) return
    const magic = bytes.readInt8(begin + at.magic)
    if (magic !== 2) throw new RangeError(`format ${magic} of records cannot be read, only 2 (Kafka 0.11 and later)`)
    yield recordBatch(bytes.subarray(begin, end))
    begin = end
  }
}

function recordBatch(bytes: Buffer): RecordBatch {
  const firstOffset = bytes.readBigInt64BE(0)
  const attributes = bytes.readInt16BE(at.attributes)
  const isControl = (attributes & controlBit) !== 0
  return {
    firstOffset,
    nextOffset: firstOffset + BigInt(bytes.readInt32BE(at.lastOffsetDelta)) + 1n,
    producerId: bytes.readBigInt64BE(at.producerId),
    isTransactional: (attributes & transactionalBit) !== 0,
    marks: isControl ? markOf(bytes) : null,
    bytes,
  }
}

/**
 * Kind of a control record, the only one of its batch: the second half of its key of four bytes. Before the key: the
 * record's length, attributes, timestamp and offset delta, and the key's length, all but the attributes varints.
 */
function markOf(bytes: Buffer): 'abort' | 'commit' | 'other' {
  let place: number = at.records
  const skipVarInt = (): void => {
    while ((bytes[place++] ?? 0) > 127);
  }
  skipVarInt()
  place += 1
  skipVarInt()
  skipVarInt()
  skipVarInt()
  const kind = place + 4 <= bytes.length ? bytes.readInt16BE(place + 2) : -1
  return kind === 0 ? 'abort' : kind === 1 ? 'commit' : 'other'
}

/**
 * Tells the batches whose records are to be read from those that were aborted and those that end transactions. kafkajs 2.2.4 does this record by
 * record and takes in one aborted transaction a record: of two that are open where a fetch begins, records of the second
 * pass as committed; and it takes a record whose key is four zero bytes for the end of one.
 */
export function* committedBatches(
  batches: Iterable<RecordBatch>,
  abortedTransactions: readonly AbortedTransaction[],
): Generator<CommittedBatch> {
  const toCome = [...abortedTransactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborted = new Set<bigint>()
  for (const batch of batches) {
    for (let next = toCome[0]; next !== undefined && next.firstOffset < batch.nextOffset; next = toCome[0]) {
      aborted.add(next.producerId)
      toCome.shift()
    }
    const isAborted = batch.isTransactional && aborted.has(batch.producerId)
    if (batch.marks === 'abort') aborted.delete(batch.producerId)
    yield { ...batch, isCommitted: batch.marks === null && !isAborted }
  }
}
