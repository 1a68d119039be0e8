import { createRequire } from 'node:module'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { recordsOf } from '../../src/kafka/batch-records.ts'
import { type AbortedTransaction, committedBatches, recordBatches } from '../../src/kafka/record-batches.ts'

// kafkajs writes batches too: what it writes is what is read here.
const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<{ readonly buffer: Buffer }>
}
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object
const Long = require('kafkajs/src/utils/long') as { fromValue(value: number): object }

interface Written {
  readonly firstOffset: number
  /** Offsets of the records there are, from the first offset on. */
  readonly deltas: readonly number[]
  readonly lastDelta: number
  readonly producerId?: number
  readonly transactional?: boolean
}

async function written({ firstOffset, deltas, lastDelta, producerId = -1, transactional = false }: Written) {
  const records = deltas.map((offsetDelta) =>
    Record({
      offsetDelta,
      timestampDelta: 5,
      key: Buffer.from(`k${offsetDelta}`),
      value: Buffer.from('v'),
      headers: {},
    }),
  )
  const { buffer } = await RecordBatch({
    ...{
      firstOffset: Long.fromValue(firstOffset),
      firstTimestamp: 1_000,
      maxTimestamp: 2_000,
      lastOffsetDelta: lastDelta,
    },
    ...{ producerId: Long.fromValue(producerId), transactional, records },
  })
  return buffer
}

/** The end of a transaction, as brokers write it. */
async function ended(firstOffset: number, producerId: number, kind: 'abort' | 'commit'): Promise<Buffer> {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
  const { buffer } = await RecordBatch({
    ...{ firstOffset: Long.fromValue(firstOffset), lastOffsetDelta: 0, transactional: true },
    producerId: Long.fromValue(producerId),
    records: [Record({ offsetDelta: 0, timestampDelta: 0, key, value: Buffer.alloc(6), headers: {} })],
  })
  // Control batches are not for clients to write: the bit beside that of transactions.
  buffer.writeInt16BE(buffer.readInt16BE(21) | 0x20, 21)
  return buffer
}

/** Offsets of the records that are to be read. */
async function committed(bytes: readonly Buffer[], aborted: readonly AbortedTransaction[]): Promise<number[]> {
  const offsets: number[] = []
  for (const batch of committedBatches(recordBatches(Buffer.concat(bytes)), aborted))
    if (batch.isCommitted) offsets.push(...(await recordsOf(batch)).map(({ offset }) => Number(offset)))
  return offsets
}

describe('record batches', () => {
  const batches = fc.array(fc.tuple(fc.nat({ max: 50 }), fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })), {
    maxLength: 6,
  })

  test.prop([batches, fc.nat()])(
    'are found whole with every record, wherever the answer is cut off',
    async (all, at) => {
      const expected: { end: number; offsets: number[]; next: number }[] = []
      const bytes: Buffer[] = []
      let [next, length] = [0, 0]
      for (const [gap, kept] of all) {
        const firstOffset = next + gap
        const deltas = kept.flatMap((is, delta) => (is ? [delta] : []))
        bytes.push(await written({ firstOffset, deltas, lastDelta: kept.length - 1 }))
        next = firstOffset + kept.length
        length += bytes.at(-1)?.length ?? 0
        expected.push({ end: length, offsets: deltas.map((delta) => firstOffset + delta), next })
      }
      const cut = at % (length + 1)
      const whole = expected.filter(({ end }) => end <= cut)
      const found = [...recordBatches(Buffer.concat(bytes).subarray(0, cut))]
      expect(found.map(({ nextOffset }) => Number(nextOffset))).toEqual(whole.map((batch) => batch.next))
      for (const [index, batch] of found.entries())
        expect((await recordsOf(batch)).map(({ offset }) => Number(offset))).toEqual(whole[index]?.offsets)
    },
  )

  it('tell how far they reach when compaction has left no record in them', async () => {
    const [batch] = recordBatches(await written({ firstOffset: 10, deltas: [], lastDelta: 7 }))
    expect(batch).toMatchObject({ firstOffset: 10n, nextOffset: 18n, marks: null })
  })

  it('are not read in a format of old', async () => {
    const old = await written({ firstOffset: 0, deltas: [0], lastDelta: 0 })
    old.writeInt8(1, 16)
    expect(() => [...recordBatches(old)]).toThrow('format 1 of records cannot be read')
  })

  it('have keys, values, times and headers', async () => {
    const { buffer } = await RecordBatch({
      ...{ firstOffset: Long.fromValue(3), firstTimestamp: 1_000, maxTimestamp: 1_007, lastOffsetDelta: 1 },
      records: [
        Record({ offsetDelta: 0, timestampDelta: 0, key: null, value: null, headers: {} }),
        Record({ offsetDelta: 1, timestampDelta: 7, key: 'k', value: 'é', headers: { a: '1', b: ['2', '3'] } }),
      ],
    })
    const [batch] = recordBatches(buffer)
    if (batch === undefined) throw new Error('no batch')
    expect(await recordsOf(batch)).toEqual([
      { offset: 3n, key: null, value: null, timestamp: 1_000, headers: {} },
      {
        ...{ offset: 4n, key: Buffer.from('k'), value: Buffer.from('é'), timestamp: 1_007 },
        headers: { a: Buffer.from('1'), b: [Buffer.from('2'), Buffer.from('3')] },
      },
    ])
  })
})

describe('transactions', () => {
  const of = (producerId: number, firstOffset: number, count = 2): Promise<Buffer> =>
    written({
      firstOffset,
      deltas: Array.from({ length: count }, (_, n) => n),
      lastDelta: count - 1,
      producerId,
      transactional: true,
    })
  const aborted = (producerId: number, firstOffset: number): AbortedTransaction => ({
    ...{ producerId: BigInt(producerId), firstOffset: BigInt(firstOffset) },
  })

  it('that were aborted are left out, those before and after of the same producer are not', async () => {
    const log = await Promise.all([
      of(1, 0),
      ended(2, 1, 'commit'),
      of(1, 3),
      ended(5, 1, 'abort'),
      of(1, 6),
      ended(8, 1, 'commit'),
    ])
    expect(await committed(log, [aborted(1, 3)])).toEqual([0, 1, 6, 7])
  })

  it('two of which were open where reading begins are both left out', async () => {
    const log = await Promise.all([
      of(2, 10),
      of(1, 12),
      ended(14, 1, 'abort'),
      of(2, 15),
      ended(17, 2, 'abort'),
      of(1, 18),
    ])
    expect(await committed(log, [aborted(2, 6), aborted(1, 4)])).toEqual([18, 19])
  })

  it('leave records without a transaction alone, whatever their key', async () => {
    const zero = await written({ firstOffset: 0, deltas: [0], lastDelta: 0, producerId: 1 })
    const log = await Promise.all([of(1, 1), ended(3, 1, 'abort')])
    expect(await committed([zero, ...log], [aborted(1, 1)])).toEqual([0])
  })
})
