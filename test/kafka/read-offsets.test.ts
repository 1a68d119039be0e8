import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import type { FetchAnswer } from '../../src/kafka/fetch-request.ts'
import { readOffsets } from '../../src/kafka/read-offsets.ts'
import type { TopicConnection } from '../../src/kafka/topic-connection.ts'

const require = createRequire(import.meta.url)
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch(batch: object): Promise<{ readonly buffer: Buffer }>
}
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object
const Long = require('kafkajs/src/utils/long') as { fromValue(value: number): object }

/** A batch with some of its records. */
async function batch(firstOffset: number, deltas: readonly number[], lastOffsetDelta: number): Promise<Buffer> {
  const records = deltas.map((offsetDelta) =>
    Record({ offsetDelta, timestampDelta: 0, key: null, value: Buffer.from('v'), headers: {} }),
  )
  return (await RecordBatch({ firstOffset: Long.fromValue(firstOffset), lastOffsetDelta, records })).buffer
}
const answer = (records: Buffer, end = 100n, errorCode = 0): FetchAnswer => ({
  ...{ errorCode, highWatermark: end, lastStableOffset: end, logStartOffset: 0n, abortedTransactions: [], records },
})
const nothing = Buffer.alloc(0)

/** What a broker would answer, by the offset it is asked for. What real brokers do is in test/integration/source-topic*. */
function broker(answers: Readonly<Record<string, FetchAnswer | null>>, first = 0n, end = 100n) {
  const asked: bigint[] = []
  const connection: Pick<TopicConnection, 'fetch' | 'offsets'> = {
    fetch: async (_topicPartition, offset) => {
      asked.push(offset)
      return answers[offset.toString()] ?? null
    },
    offsets: async () => ({ first, end }),
  }
  return { connection, asked }
}
const { signal } = new AbortController()
const range = (from: bigint, to: bigint) => ({ topic: 'orders', topicPartition: 2, from, to })
async function offsetsOf(reading: ReturnType<typeof readOffsets>): Promise<number[]> {
  const offsets: number[] = []
  for await (const records of reading) offsets.push(...records.map(({ offset }) => Number(offset)))
  return offsets
}

describe('reading a range of offsets', () => {
  it('ends at its end, with batches that reach beyond it on either side', async () => {
    const { connection, asked } = broker({
      3: answer(await batch(0, [0, 1, 2, 3, 4, 5], 5)),
      6: answer(Buffer.concat([await batch(6, [0, 1, 2, 3], 3), await batch(10, [0, 1], 1)])),
    })
    expect(await offsetsOf(readOffsets(connection, range(3n, 8n), signal))).toEqual([3, 4, 5, 6, 7])
    expect(asked).toEqual([3n, 6n])
  })

  it('passes over offsets that have no record, also over batches that have none', async () => {
    const { connection, asked } = broker({
      0: answer(await batch(0, [1], 4)),
      5: answer(await batch(5, [], 9)),
      15: answer(await batch(30, [0], 0)),
    })
    expect(await offsetsOf(readOffsets(connection, range(0n, 31n), signal))).toEqual([1, 30])
    expect(asked).toEqual([0n, 5n, 15n])
  })

  it('is done when the next records there are lie behind it', async () => {
    const { connection } = broker({ 0: answer(await batch(20, [0], 0)) })
    expect(await offsetsOf(readOffsets(connection, range(0n, 10n), signal))).toEqual([])
  })

  it('is done, after some patience, when all that is decided was asked for and nothing of it comes', async () => {
    const { connection, asked } = broker({ 0: answer(await batch(0, [0], 0)), 1: answer(nothing, 10n) })
    expect(await offsetsOf(readOffsets(connection, range(0n, 10n), signal, 20))).toEqual([0])
    expect(asked.length).toBeGreaterThan(2)
  })

  it('asks again when the broker gives nothing because of a quota', async () => {
    const answers: (FetchAnswer | null)[] = [null, null, answer(await batch(0, [0], 0))]
    const connection = { ...broker({}).connection, fetch: async () => answers.shift() ?? null }
    expect(await offsetsOf(readOffsets(connection, range(0n, 1n), signal, 0))).toEqual([0])
  })

  it('refuses a topic partition that ends before it does', async () => {
    const { connection } = broker({ 0: answer(nothing, 5n) }, 0n, 5n)
    await expect(offsetsOf(readOffsets(connection, range(0n, 10n), signal, 20))).rejects.toMatchObject({
      code: 'SOURCE_NOT_READABLE',
      message: expect.stringContaining('topic partition 2: the plan has offsets to before 10, and it ends before 5'),
    })
  })

  it('begins again, elsewhere, when only the broker that was asked ends before it does', async () => {
    const { connection } = broker({ 0: answer(nothing, 5n) }, 0n, 10n)
    await expect(offsetsOf(readOffsets(connection, range(0n, 10n), signal, 20))).rejects.toMatchObject({
      ...{ code: 'KAFKA_UNREACHABLE', message: expect.stringContaining('is behind its leader') },
    })
  })

  it.each([
    [7n, 100n, 'offset 3 is wanted, and the first that is there is 7. Its retention has removed'],
    [0n, 2n, 'the plan has offsets to before 10, and it ends before 2'],
  ])('names what is there when that is not what is wanted (%i to %i)', async (first, end, message) => {
    const { connection } = broker({ 3: answer(nothing, -1n, 1) }, first, end)
    await expect(offsetsOf(readOffsets(connection, range(3n, 10n), signal))).rejects.toMatchObject({
      ...{ code: 'SOURCE_NOT_READABLE', message: expect.stringContaining(message) },
    })
  })

  it('tries again what was out of range for a moment', async () => {
    const { connection } = broker({ 3: answer(nothing, -1n, 1) })
    await expect(offsetsOf(readOffsets(connection, range(3n, 10n), signal))).rejects.toMatchObject({
      code: 'KAFKA_UNREACHABLE',
    })
  })

  it('ends at once when it is aborted, though the broker does not answer', async () => {
    const controller = new AbortController()
    const connection = { ...broker({}).connection, fetch: () => new Promise<never>(() => {}) }
    const reading = offsetsOf(readOffsets(connection, range(0n, 10n), controller.signal))
    controller.abort(new Error('given up'))
    await expect(reading).rejects.toThrow('given up')
  })
})
