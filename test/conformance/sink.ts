// What every sink promises, whatever it writes to. A harness opens the real thing over the table
// (id int8, at timestamptz, name text nullable), its range column `id`.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noTotals } from '../../src/contract/certificate.ts'
import type { Checkpoint } from '../../src/contract/checkpoint.ts'
import { FencedError, RetryableError, TerminalError } from '../../src/contract/errors.ts'
import type { Chunk, Claim, Failure, Holding, RejectedRow, RowBuffer, Sink } from '../../src/sink/sink.ts'
import { eventually } from '../support/eventually.ts'

/** Chunks that are stopped in the middle of their transaction: some of it is written, nothing is committed. */
export interface StoppedWrites {
  /** Resolves when a chunk stands there. */
  reached(): Promise<void>
  /** Resolves when a claim, or a cancel, waits behind it. */
  claimWaits(): Promise<void>
  /** Lets chunks pass again. */
  release(): Promise<void>
  /** Ends the connection of the chunk that stands there, on the server's side. */
  kill(): Promise<void>
}

export interface SinkHarness {
  /** Another instance over the same table, as another worker has it. */
  open(leaseMs: number): Sink
  rows(from: number, to: number): Promise<{ id: number; at: string; name: string | null }[]>
  /** A row that somebody else wrote. */
  insert(id: number): Promise<void>
  /** What somebody else does to a row that is there. */
  change(id: number, name: string): Promise<void>
  remove(id: number): Promise<void>
  /** Takes the record of a chunk away. */
  removeChunk(partitionId: string, sequence: number): Promise<void>
  chunks(
    partitionId: string,
  ): Promise<{ epoch: number; sequence: number; after: string | null; through: string | null }[]>
  rejected(partitionId: string): Promise<RejectedRow[]>
  /** Holds a partition's checkpoint row, as a transaction in doubt does, until the returned function is called. */
  lockCheckpoint(partitionId: string): Promise<() => Promise<void>>
  stopWrites(): Promise<StoppedWrites>
  close(): Promise<void>
}

export interface SinkTraits {
  /** Whether a partition's first chunk replaces what stood in its range. */
  readonly replacesRange: boolean
}

const leaseMs = 60_000
const failure: Failure = { reason: 'ROW_INVALID', message: 'row 5 does not fit', attempts: 1, sample: ['{"id":5}'] }

export function describeSink(name: string, traits: SinkTraits, makeHarness: () => Promise<SinkHarness>): void {
  describe(`${name} keeps the promises of a sink`, () => {
    let harness: SinkHarness
    let nextRange = 1
    beforeAll(async () => {
      harness = await makeHarness()
    })
    afterAll(() => harness.close())

    /** A partition of 100 keys that no other test uses. */
    const partition = (more: Partial<Holding> = {}): Holding => {
      const from = (nextRange += 1) * 100
      return {
        runId: randomUUID(),
        partitionId: randomUUID(),
        backfill: 'orders',
        index: 0,
        range: { kind: 'integer', from: String(from), to: String(from + 100) },
        worker: 'worker-1',
        topicPartition: 3,
        ...more,
      }
    }
    const first = ({ range }: Holding): number => Number(range.from)
    const rowsOf = (holding: Holding) => harness.rows(first(holding), first(holding) + 100)

    const chunkOf = (
      sink: Sink,
      holding: Holding,
      before: Checkpoint,
      ids: readonly number[],
      more: Partial<Chunk> = {},
    ): Chunk => {
      const buffer = sink.buffer(holding.range)
      for (const id of ids)
        buffer.add({ id, at: new Date(Date.UTC(2026, 0, 1) + id), name: id % 3 === 0 ? null : `row ${id}` })
      const rejected = more.rejected ?? []
      return {
        holding,
        before,
        to: holding.range.to,
        cursor: ids.length === 0 ? before.cursor : String(ids.at(-1)),
        last: false,
        added: {
          ...noTotals,
          rowsRead: ids.length + rejected.length,
          rowsWritten: buffer.rows,
          rowsRejected: rejected.length,
          chunks: 1,
          contentHash: buffer.contentHash.toString(),
        },
        buffer,
        rejected,
        ...more,
      }
    }

    const claimed = async (sink: Sink, holding: Holding): Promise<Extract<Claim, { kind: 'claimed' }>> => {
      const claim = await sink.claim(holding)
      if (claim.kind !== 'claimed') throw new Error(`the claim is ${claim.kind}`)
      return claim
    }

    test('a first claim begins at epoch 1 with nothing done', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint, range } = await claimed(sink, holding)
      expect(checkpoint).toEqual({
        partitionId: holding.partitionId,
        epoch: 1,
        sequence: 0,
        cursor: null,
        state: 'running',
        totals: noTotals,
      })
      expect(range).toEqual(holding.range)
    })

    test('rows and checkpoint move together, chunk by chunk, and a later claim resumes there', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const id = first(holding)
      const { checkpoint: start } = await claimed(sink, holding)
      const one = chunkOf(sink, holding, start, [id, id + 1])
      const after = await sink.commit(one)
      expect(after).toMatchObject({
        epoch: 1,
        sequence: 1,
        cursor: String(id + 1),
        state: 'running',
        totals: one.added,
      })
      const two = chunkOf(sink, holding, after, [id + 2])
      await sink.commit(two)
      expect((await rowsOf(holding)).map((row) => row.id)).toEqual([id, id + 1, id + 2])

      const resumed = await claimed(harness.open(leaseMs), { ...holding, worker: 'worker-2' })
      expect(resumed.checkpoint).toMatchObject({ epoch: 2, sequence: 2, cursor: String(id + 2) })
      expect(resumed.checkpoint.totals).toEqual({
        ...noTotals,
        rowsRead: 3,
        rowsWritten: 3,
        chunks: 2,
        contentHash: (BigInt(one.added.contentHash) + BigInt(two.added.contentHash)).toString(),
      })
      expect(await harness.chunks(holding.partitionId)).toEqual([
        { epoch: 1, sequence: 1, after: null, through: String(id + 1) },
        { epoch: 1, sequence: 2, after: String(id + 1), through: String(id + 2) },
      ])
    })

    test('what was sent is what is stored, by count and content hash', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint } = await claimed(sink, holding)
      const ids = Array.from({ length: 100 }, (_, i) => first(holding) + i)
      const { totals } = await sink.commit(chunkOf(sink, holding, checkpoint, ids, { last: true }))
      expect(await sink.stored([holding.range])).toEqual([{ rows: 100, contentHash: totals.contentHash }])
      expect((await rowsOf(holding))[1]).toEqual({
        id: ids[1],
        at: new Date(Date.UTC(2026, 0, 1) + (ids[1] ?? 0)).toISOString(),
        name: (ids[1] ?? 0) % 3 === 0 ? null : `row ${ids[1]}`,
      })
    })

    describe('what is stored', () => {
      const done = async (sink: Sink, holding: Holding, ids: readonly number[]): Promise<Checkpoint> => {
        const { checkpoint } = await claimed(sink, holding)
        return sink.commit(chunkOf(sink, holding, checkpoint, ids, { last: true }))
      }
      const all = (holding: Holding): number[] => Array.from({ length: 100 }, (_, i) => first(holding) + i)
      async function* pagesOf(sink: Sink, holding: Holding, size: number): AsyncGenerator<RowBuffer> {
        const ids = all(holding)
        for (let at = 0; at < ids.length; at += size)
          yield chunkOf(sink, holding, { cursor: null } as Checkpoint, ids.slice(at, at + size)).buffer
      }
      const differencesOf = (sink: Sink, holding: Holding, size = 100, limit = 10) =>
        sink.differences(holding.range, pagesOf(sink, holding, size), limit)

      test('is told range by range, with or without gaps between them', async () => {
        const sink = harness.open(leaseMs)
        const holdings = [partition(), partition(), partition(), partition()]
        const checkpoints: Checkpoint[] = []
        for (const [i, holding] of holdings.entries())
          checkpoints.push(await done(sink, holding, all(holding).slice(0, 100 - i * 10)))
        const expected = checkpoints.map(({ totals }) => ({
          rows: totals.rowsWritten,
          contentHash: totals.contentHash,
        }))
        const ranges = holdings.map(({ range }) => range)
        expect(await sink.stored(ranges)).toEqual(expected)
        expect(await sink.stored([0, 2, 3].flatMap((at) => ranges[at] ?? []))).toEqual(
          [0, 2, 3].map((at) => expected[at]),
        )
        expect(await sink.stored([])).toEqual([])
      })

      test.each([1, 7, 100])('rows that are as they were sent differ nowhere, in pages of %i', async (size) => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        await done(sink, holding, all(holding))
        expect(await differencesOf(sink, holding, size)).toEqual([])
      })

      test.each([7, 100])('every row that was changed, lost or added is named, in pages of %i', async (size) => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const [a, b, c, d] = [
          first(holding) + 1,
          first(holding) + 50,
          first(holding) + 98,
          first(holding) + 99,
        ] as const
        await done(
          sink,
          holding,
          all(holding).filter((id) => id !== d),
        )
        await harness.change(a, 'another name')
        await harness.remove(b)
        await harness.remove(c)
        await harness.insert(c)
        expect(await differencesOf(sink, holding, size)).toEqual([
          {
            what: 'changed',
            key: { id: String(a) },
            columns: [{ name: 'name', sent: a % 3 === 0 ? null : `row ${a}`, stored: 'another name' }],
          },
          { what: 'missing', key: { id: String(b) }, columns: [] },
          {
            what: 'changed',
            key: { id: String(c) },
            columns: expect.arrayContaining([expect.objectContaining({ stored: 'not ours' })]),
          },
          { what: 'missing', key: { id: String(d) }, columns: [] },
        ])
        expect(await differencesOf(sink, holding, size, 1)).toHaveLength(1)
      })

      test('rows that nobody sent are named', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        await done(sink, holding, [])
        for (const id of [first(holding), first(holding) + 99]) await harness.insert(id)
        expect(await sink.differences(holding.range, (async function* none() {})(), 10)).toEqual([
          { what: 'extra', key: { id: String(first(holding)) }, columns: [] },
          { what: 'extra', key: { id: String(first(holding) + 99) }, columns: [] },
        ])
      })

      test('rows that come in another order than that of the range are refused', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const ids = all(holding)
        await done(sink, holding, ids)
        async function* turned(): AsyncGenerator<RowBuffer> {
          for (const some of [ids.slice(50), ids.slice(0, 50)])
            yield chunkOf(sink, holding, { cursor: null } as Checkpoint, some).buffer
        }
        await expect(sink.differences(holding.range, turned(), 1_000)).rejects.toThrow(
          'do not come in the order of column "id"',
        )
      })

      test('chunks that lead from the beginning to the end are no broken chain; where one is gone, they are', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const { checkpoint } = await claimed(sink, holding)
        const ids = all(holding)
        const one = await sink.commit(chunkOf(sink, holding, checkpoint, ids.slice(0, 40)))
        const two = await sink.commit(chunkOf(sink, holding, one, ids.slice(40, 80)))
        expect(await sink.brokenChains(holding.runId)).toEqual([])
        await sink.commit(chunkOf(sink, holding, two, ids.slice(80), { last: true }))
        expect(await sink.brokenChains(holding.runId)).toEqual([])
        await harness.removeChunk(holding.partitionId, 2)
        expect(await sink.brokenChains(holding.runId)).toEqual([
          { partitionId: holding.partitionId, message: '3 chunks were committed, 2 are recorded' },
        ])
      })
    })

    test('the last chunk completes the partition, also when it is empty; afterwards nothing changes it', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint } = await claimed(sink, holding)
      const done = await sink.commit(chunkOf(sink, holding, checkpoint, [], { last: true }))
      expect(done).toMatchObject({ sequence: 1, cursor: null, state: 'completed' })
      expect(await sink.claim(holding)).toMatchObject({ kind: 'finished', checkpoint: done, range: holding.range })
      await expect(sink.commit(chunkOf(sink, holding, done, [first(holding)]))).rejects.toThrow(FencedError)
      await expect(sink.fail(holding, done, failure)).rejects.toThrow(FencedError)
      expect(await sink.renew(holding, 1)).toBe(true)
      expect(await rowsOf(holding)).toEqual([])
    })

    test('rejected rows are kept in the chunk’s own transaction', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint } = await claimed(sink, holding)
      const rejected = [
        { position: 'row 1 after 5', reason: 'column "id" is int8: got "x"', row: '{"id":"x"}' },
        { position: 'row 7 after 5', reason: 'with a \0 in it', row: '{}' },
      ]
      const after = await sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)], { rejected }))
      expect(after.totals).toMatchObject({ rowsRead: 3, rowsWritten: 1, rowsRejected: 2 })
      expect(await harness.rejected(holding.partitionId)).toEqual([
        rejected[0],
        { ...rejected[1], reason: 'with a \\0 in it' },
      ])
      // A chunk that is fenced keeps none.
      await expect(sink.commit(chunkOf(sink, holding, checkpoint, [first(holding) + 1], { rejected }))).rejects.toThrow(
        FencedError,
      )
      expect(await harness.rejected(holding.partitionId)).toHaveLength(2)
    })

    test('a failed partition is terminal', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint } = await claimed(sink, holding)
      const failed = await sink.fail(holding, checkpoint, failure)
      expect(failed).toMatchObject({ state: 'failed', epoch: 1, sequence: 0, failure, worker: 'worker-1' })
      // Whoever finds it can tell all of it again.
      expect(await sink.claim(holding)).toEqual({ kind: 'finished', checkpoint: failed, range: holding.range })
      expect(await sink.checkpoints(holding.runId)).toEqual([failed])
    })

    test('a row outside of the partition is refused, for the range of another one would swallow it', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      await claimed(sink, holding)
      const buffer = sink.buffer(holding.range)
      const end = Number(holding.range.to)
      for (const id of [first(holding) - 1, end])
        expect(() => buffer.add({ id, at: new Date(0), name: null })).toThrow(
          expect.objectContaining({
            name: 'RowError',
            message: expect.stringContaining(
              `column "id" is ${id}, outside of the partition's range from ${holding.range.from} to before ${end}`,
            ),
          }),
        )
      buffer.add({ id: end - 1, at: new Date(0), name: null })
      expect(buffer.rows).toBe(1)
    })

    test('a range in an order that only the source knows is refused', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      await claimed(sink, holding)
      expect(() => sink.buffer({ kind: 'key', from: '["a"]', to: 'after ["b"]' })).toThrow(
        expect.objectContaining({
          code: 'SINK_NOT_WRITABLE',
          message: expect.stringContaining('use postgres.upsert without a range'),
        }),
      )
    })

    describe('a trial', () => {
      const bufferOf = (sink: Sink, holding: Holding, ids: readonly number[]) => {
        const buffer = sink.buffer(holding.range)
        for (const id of ids) buffer.add({ id, at: new Date(0), name: id % 10 === 7 ? 'refused' : 'fine' })
        return buffer
      }

      test('says what the server says of some rows, as often as is asked, and leaves nothing behind', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const id = first(holding)
        const { checkpoint } = await claimed(sink, holding)
        await harness.insert(id + 1)
        const trial = { holding, before: checkpoint, to: holding.range.to }
        const said = await sink.trial(trial, async (refusal) => [
          await refusal(bufferOf(sink, holding, [id, id + 1, id + 2])),
          await refusal(bufferOf(sink, holding, [id, id + 7, id + 8])),
          await refusal(bufferOf(sink, holding, [id + 17])),
          await refusal(bufferOf(sink, holding, [id + 7])),
          await refusal(bufferOf(sink, holding, [])),
          await refusal(bufferOf(sink, holding, [id, id + 8])),
        ])
        expect(said.map((reason) => reason?.includes('nothing_refused') ?? reason)).toEqual([
          ...[null, true, true, true],
          ...[null, null],
        ])
        expect((await rowsOf(holding)).map((row) => row.id)).toEqual([id + 1])
        expect(await harness.chunks(holding.partitionId)).toEqual([])
        // The hold is as it was: the chunk follows, without the rows that are refused.
        await sink.commit(chunkOf(sink, holding, checkpoint, [id, id + 1]))
        expect((await rowsOf(holding)).map((row) => row.id)).toEqual([id, id + 1])
      })

      test('of a hold that is over says so', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const { checkpoint } = await claimed(sink, holding)
        await claimed(harness.open(leaseMs), holding)
        const trial = sink.trial({ holding, before: checkpoint, to: holding.range.to }, async (refusal) =>
          refusal(bufferOf(sink, holding, [first(holding)])),
        )
        await expect(trial).rejects.toThrow(FencedError)
      })

      test('does not keep the holder from renewing its lease, nor others from claiming', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const { checkpoint } = await claimed(sink, holding)
        await sink.trial({ holding, before: checkpoint, to: holding.range.to }, async (refusal) => {
          await refusal(bufferOf(sink, holding, [first(holding)]))
          expect(await sink.renew(holding, 1)).toBe(true)
          expect((await claimed(harness.open(leaseMs), holding)).checkpoint.epoch).toBe(2)
        })
      })
    })

    test('what a run has rejected is the sum over its partitions', async () => {
      const [sink, runId] = [harness.open(leaseMs), randomUUID()]
      expect(await sink.rejections(runId)).toEqual({ rowsRead: 0, rowsRejected: 0 })
      for (const index of [0, 1]) {
        const holding = partition({ runId, index })
        const { checkpoint } = await claimed(sink, holding)
        const rejected = [{ position: 'row 1', reason: 'bad', row: '{}' }]
        await sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)], { rejected }))
      }
      expect(await sink.rejections(runId)).toEqual({ rowsRead: 4, rowsRejected: 2 })
    })

    describe('a hold that is over changes nothing', () => {
      test('after another claim', async () => {
        const [zombie, holder, holding] = [harness.open(leaseMs), harness.open(leaseMs), partition()]
        const old = await claimed(zombie, holding)
        const current = await claimed(holder, { ...holding, worker: 'worker-2' })
        await expect(zombie.commit(chunkOf(zombie, holding, old.checkpoint, [first(holding)]))).rejects.toThrow(
          FencedError,
        )
        await expect(zombie.fail(holding, old.checkpoint, failure)).rejects.toThrow(FencedError)
        expect(await zombie.renew(holding, old.checkpoint.epoch)).toBe(false)
        expect(await rowsOf(holding)).toEqual([])
        expect(await holder.renew(holding, current.checkpoint.epoch)).toBe(true)
        await holder.commit(chunkOf(holder, holding, current.checkpoint, [first(holding) + 1]))
        expect((await rowsOf(holding)).map((row) => row.id)).toEqual([first(holding) + 1])
      })

      test('with a sequence, a cursor or a bound that is not the row’s', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const { checkpoint } = await claimed(sink, holding)
        const after = await sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)]))
        const ids = [first(holding) + 1]
        for (const stale of [
          chunkOf(sink, holding, checkpoint, ids),
          chunkOf(sink, holding, { ...after, sequence: 2 }, ids),
          chunkOf(sink, holding, { ...after, cursor: '7' }, ids),
          chunkOf(sink, holding, { ...after, cursor: null }, ids),
          chunkOf(sink, holding, after, ids, { to: '12345' }),
        ])
          await expect(sink.commit(stale)).rejects.toThrow(FencedError)
        expect((await rowsOf(holding)).map((row) => row.id)).toEqual([first(holding)])
        expect(await harness.chunks(holding.partitionId)).toHaveLength(1)
      })

      test('after the partition was cancelled', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const { checkpoint } = await claimed(sink, holding)
        expect(await sink.cancel([holding])).toMatchObject([{ state: 'cancelled', epoch: 1, worker: 'worker-1' }])
        await expect(sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)]))).rejects.toThrow(FencedError)
        expect(await sink.renew(holding, 1)).toBe(false)
        expect(await sink.claim(holding)).toMatchObject({ kind: 'finished', checkpoint: { state: 'cancelled' } })
        expect(await rowsOf(holding)).toEqual([])
      })
    })

    describe('withheld', () => {
      test('is taken from a worker that goes on: nothing it does changes anything, and nobody gets it', async () => {
        const [sink, runId] = [harness.open(leaseMs), randomUUID()]
        const [mine, yours, done] = [0, 1, 2].map((index) => partition({ runId, index }))
        if (!mine || !yours || !done) throw new Error('three partitions')
        const { checkpoint } = await claimed(sink, mine)
        const kept = await sink.commit(chunkOf(sink, mine, checkpoint, [first(mine)]))
        const other = await claimed(sink, { ...yours, worker: 'worker-2' })
        await sink.commit(chunkOf(sink, done, (await claimed(sink, done)).checkpoint, [first(done)], { last: true }))

        expect(await sink.withhold(runId, ['worker-1'], 60_000)).toBe(1)
        expect(await sink.withhold(runId, ['worker-1'], 60_000)).toBe(0)
        await expect(sink.commit(chunkOf(sink, mine, kept, [first(mine) + 1]))).rejects.toThrow(FencedError)
        expect(await sink.renew(mine, kept.epoch)).toBe(false)
        for (const topicPartition of [mine.topicPartition, mine.topicPartition + 1])
          expect(await sink.claim({ ...mine, topicPartition })).toMatchObject({ kind: 'held', holder: 'nobody' })
        await sink.commit(chunkOf(sink, { ...yours, worker: 'worker-2' }, other.checkpoint, [first(yours)]))
        expect((await sink.checkpoints(runId)).find(({ partitionId }) => partitionId === mine.partitionId)).toEqual({
          ...{ ...kept, epoch: kept.epoch + 1 },
        })

        await sink.release(runId)
        expect(await claimed(sink, mine)).toMatchObject({ checkpoint: { ...kept, epoch: kept.epoch + 2 } })
        expect((await rowsOf(mine)).map((row) => row.id)).toEqual([first(mine)])
      })

      test('is free again by itself when nobody says so any more', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        await claimed(sink, holding)
        expect(await sink.withhold(holding.runId, [holding.worker], 300)).toBe(1)
        const held = await sink.claim(holding)
        expect(held).toMatchObject({ kind: 'held', holder: 'nobody' })
        expect(held.kind === 'held' && held.leaseEndsInMs).toBeLessThanOrEqual(300)
        await eventually('it can be claimed', async () =>
          (await sink.claim(holding)).kind === 'claimed' ? true : undefined,
        )
      })

      test('against a chunk in progress: one of the two is first, and both are told right', async () => {
        for (let round = 0; round < 30; round += 1) {
          const [sink, other, holding] = [harness.open(leaseMs), harness.open(leaseMs), partition()]
          const { checkpoint } = await claimed(sink, holding)
          const committed = sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)])).then(
            () => 1,
            (error: unknown) => (error instanceof FencedError ? 0 : String(error)),
          )
          expect(await other.withhold(holding.runId, [holding.worker], 60_000)).toBe(1)
          const written = await committed
          expect(await rowsOf(holding)).toHaveLength(Number(written))
          expect(await sink.checkpoints(holding.runId)).toMatchObject([
            { epoch: 2, sequence: written, state: 'running' },
          ])
        }
      })
    })

    describe('cancelled', () => {
      test('what nobody claimed has its end before its task comes', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const [ended] = await sink.cancel([holding])
        expect(ended).toEqual({
          ...{ partitionId: holding.partitionId, epoch: 0, sequence: 0, cursor: null, state: 'cancelled' },
          totals: noTotals,
        })
        expect(await sink.claim(holding)).toEqual({ kind: 'finished', checkpoint: ended, range: holding.range })
      })

      test('what has ended stays as it is, and a second time changes nothing', async () => {
        const [sink, runId] = [harness.open(leaseMs), randomUUID()]
        const [done, failed, running, fresh] = [0, 1, 2, 3].map((index) => partition({ runId, index }))
        if (!done || !failed || !running || !fresh) throw new Error('four partitions')
        const { checkpoint } = await claimed(sink, done)
        await sink.commit(chunkOf(sink, done, checkpoint, [first(done)], { last: true }))
        await sink.fail(failed, (await claimed(sink, failed)).checkpoint, failure)
        const half = await claimed(sink, running)
        const kept = await sink.commit(chunkOf(sink, running, half.checkpoint, [first(running)]))
        const states = [done, failed, running, fresh].map(({ partitionId }, i) => [
          partitionId,
          ['completed', 'failed', 'cancelled', 'cancelled'][i],
        ])
        for (const _time of [1, 2]) {
          const ended = await sink.cancel([fresh, done, running, failed])
          expect(ended.map(({ partitionId, state }) => [partitionId, state]).sort()).toEqual(states.sort())
        }
        expect(await sink.claim(running)).toMatchObject({
          kind: 'finished',
          checkpoint: { ...kept, state: 'cancelled' },
        })
        expect((await rowsOf(running)).map((row) => row.id)).toEqual([first(running)])
      })

      test('against the last chunk: one of the two, never both', async () => {
        for (let round = 0; round < 60; round += 1) {
          const [sink, sweeper, holding] = [harness.open(leaseMs), harness.open(leaseMs), partition()]
          const { checkpoint } = await claimed(sink, holding)
          const chunk = chunkOf(sink, holding, checkpoint, [first(holding)], { last: true })
          const committing = sink.commit(chunk).then(
            () => 'completed',
            (error: unknown) => (error instanceof FencedError ? 'cancelled' : String(error)),
          )
          // Each side gets its chance to be first.
          if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 3))
          const [ended] = await sweeper.cancel([holding])
          expect(ended?.state).toBe(await committing)
          expect(await rowsOf(holding)).toHaveLength(ended?.state === 'completed' ? 1 : 0)
          expect(await harness.chunks(holding.partitionId)).toHaveLength(ended?.state === 'completed' ? 1 : 0)
        }
      })

      test.each(['release', 'kill'] as const)(
        'a chunk in progress is waited for, and then it is known what became of it: %s',
        async (end) => {
          const [sink, holding] = [harness.open(leaseMs), partition()]
          const { checkpoint } = await claimed(sink, holding)
          const writes = await harness.stopWrites()
          const committing = sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)], { last: true })).then(
            () => 'completed',
            () => 'cancelled',
          )
          await writes.reached()
          const cancelling = harness.open(leaseMs).cancel([holding])
          await writes.claimWaits()
          await writes[end]()
          expect((await cancelling)[0]?.state).toBe(end === 'release' ? 'completed' : 'cancelled')
          expect(await committing).toBe(end === 'release' ? 'completed' : 'cancelled')
          expect(await rowsOf(holding)).toHaveLength(end === 'release' ? 1 : 0)
          if (end === 'kill') await writes.release()
        },
      )
    })

    describe('who may take over', () => {
      test('the redelivery on the same topic partition, at once', async () => {
        const holding = partition()
        await claimed(harness.open(leaseMs), holding)
        const taken = await claimed(harness.open(leaseMs), { ...holding, worker: 'worker-2' })
        expect(taken.checkpoint.epoch).toBe(2)
      })

      test('another topic partition, when the lease has ended', async () => {
        const holding = partition()
        const [holder, other] = [harness.open(400), { ...holding, worker: 'worker-2', topicPartition: 4 }]
        await claimed(holder, holding)
        const refused = await harness.open(leaseMs).claim(other)
        expect(refused).toMatchObject({ kind: 'held', holder: 'worker-1' })
        expect(refused.kind === 'held' && refused.leaseEndsInMs).toBeLessThanOrEqual(400)
        await expect
          .poll(async () => (await harness.open(leaseMs).claim(other)).kind, { timeout: 5_000 })
          .toBe('claimed')
      })

      test('nobody who may not by the time it is sent, alone and among others', async () => {
        const [first, second, third] = [partition(), partition(), partition()]
        const sink = harness.open(leaseMs)
        let may = true
        const alone = sink.claim(first, () => may)
        may = false
        expect(await alone).toEqual({ kind: 'barred' })
        may = true
        const among = [sink.claim(second), sink.claim(first, () => may), sink.claim(third)]
        may = false
        expect((await Promise.all(among)).map(({ kind }) => kind)).toEqual(['claimed', 'barred', 'claimed'])
        expect((await claimed(sink, first)).checkpoint.epoch).toBe(1)
      })

      test('nobody else while the holder renews, or commits', async () => {
        const holding = partition()
        const [holder, other] = [harness.open(leaseMs), { ...holding, topicPartition: 4 }]
        const { checkpoint } = await claimed(harness.open(1), holding)
        expect(await holder.renew(holding, checkpoint.epoch)).toBe(true)
        const refused = await harness.open(leaseMs).claim(other)
        expect(refused.kind === 'held' && refused.leaseEndsInMs).toBeGreaterThan(leaseMs / 2)
      })

      test('bounds of a task that contradict the row give way to the row’s', async () => {
        const holding = partition()
        await claimed(harness.open(leaseMs), holding)
        const wider = { ...holding, range: { ...holding.range, to: '999999999' } }
        expect((await claimed(harness.open(leaseMs), wider)).range).toEqual(holding.range)
      })

      test('exactly one of many at the same moment', async () => {
        const holding = partition()
        const claims = await Promise.all(
          Array.from({ length: 8 }, (_, i) => harness.open(leaseMs).claim({ ...holding, topicPartition: i })),
        )
        expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1)
      })
    })

    describe('a transaction in doubt', () => {
      test.each(['release', 'kill'] as const)(
        'a claim waits for it and then sees what became of it: %s',
        async (end) => {
          const [sink, holding] = [harness.open(leaseMs), partition()]
          const { checkpoint } = await claimed(sink, holding)
          const writes = await harness.stopWrites()
          const committing = sink.commit(chunkOf(sink, holding, checkpoint, [first(holding)])).then(
            () => 'committed',
            (error: unknown) => (error instanceof RetryableError ? error.code : String(error)),
          )
          await writes.reached()
          const claiming = claimed(harness.open(leaseMs), { ...holding, worker: 'worker-2' })
          await writes.claimWaits()
          await writes[end]()
          expect(await committing).toBe(end === 'release' ? 'committed' : 'POSTGRES_UNREACHABLE')
          const { checkpoint: seen } = await claiming
          const both = end === 'release'
          expect(seen).toMatchObject({ epoch: 2, sequence: both ? 1 : 0, cursor: both ? String(first(holding)) : null })
          expect(await rowsOf(holding)).toHaveLength(both ? 1 : 0)
          expect(await harness.chunks(holding.partitionId)).toHaveLength(both ? 1 : 0)
          if (end === 'kill') await writes.release()
        },
      )
    })

    describe('many at once are as exact as one by one', () => {
      test('claims: of free partitions, of finished ones, of those that somebody else has, and of one that is locked', async () => {
        const sink = harness.open(leaseMs)
        const free = Array.from({ length: 40 }, () => partition())
        const [finished, held, locked] = [partition(), partition(), partition()]
        const { checkpoint } = await claimed(sink, finished)
        await sink.commit(chunkOf(sink, finished, checkpoint, [], { last: true }))
        await claimed(sink, { ...held, topicPartition: 9 })
        await claimed(sink, locked)
        const unlock = await harness.lockCheckpoint(locked.partitionId)
        const late = sink.claim(locked)
        const claims = await Promise.all([...free, finished, held].map((holding) => sink.claim(holding)))
        expect(claims.slice(0, 40).map((claim) => claim.kind === 'claimed' && claim.checkpoint.partitionId)).toEqual(
          free.map(({ partitionId }) => partitionId),
        )
        expect(claims.slice(40).map(({ kind }) => kind)).toEqual(['finished', 'held'])
        await unlock()
        expect(await late).toMatchObject({ kind: 'claimed', checkpoint: { epoch: 2 } })
      })

      test('chunks: each has its own rows, counts and hash; one that is fenced, and one with a bad row, spoil no other', async () => {
        const sink = harness.open(leaseMs)
        const holdings = Array.from({ length: 40 }, () => partition())
        const claims = await Promise.all(holdings.map((holding) => claimed(sink, holding)))
        const [fenced, spoilt] = [holdings[7], holdings[11]]
        if (fenced === undefined || spoilt === undefined) throw new Error('there are 40')
        await claimed(harness.open(leaseMs), { ...fenced, worker: 'worker-2' })
        const chunks = claims.map(({ checkpoint }, at) => {
          const holding = holdings[at] ?? fenced
          const ids = Array.from({ length: at % 4 }, (_, i) => first(holding) + i)
          return chunkOf(sink, holding, checkpoint, ids, { last: at % 2 === 0 })
        })
        if (traits.replacesRange) {
          // The same key twice, which the server refuses.
          const twice = [first(spoilt), first(spoilt)]
          chunks[11] = chunkOf(sink, spoilt, claims[11]?.checkpoint ?? chunks[11]!.before, twice)
        }
        const settled = await Promise.allSettled(chunks.map((chunk) => sink.commit(chunk)))
        for (const [at, result] of settled.entries()) {
          const [holding, chunk] = [holdings[at] ?? fenced, chunks[at]]
          const failed = at === 7 ? FencedError : at === 11 && traits.replacesRange ? TerminalError : null
          const rows = await rowsOf(holding)
          if (failed !== null) {
            expect(result.status === 'rejected' && result.reason).toBeInstanceOf(failed)
            expect(rows).toEqual([])
            expect(await harness.chunks(holding.partitionId)).toEqual([])
            continue
          }
          expect(result.status === 'fulfilled' && result.value).toMatchObject({
            partitionId: holding.partitionId,
            ...{ sequence: 1, cursor: chunk?.cursor, state: at % 2 === 0 ? 'completed' : 'running' },
            totals: chunk?.added,
          })
          expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: at % 4 }, (_, i) => first(holding) + i))
          expect(await harness.chunks(holding.partitionId)).toEqual([
            { epoch: 1, sequence: 1, after: null, through: chunk?.cursor },
          ])
        }
      })
    })

    test('the same chunk again after a lost connection writes each row once', async () => {
      const [sink, holding] = [harness.open(leaseMs), partition()]
      const { checkpoint } = await claimed(sink, holding)
      const writes = await harness.stopWrites()
      const lost = expect(
        sink.commit(chunkOf(sink, holding, checkpoint, [first(holding), first(holding) + 1])),
      ).rejects.toThrow(RetryableError)
      await writes.reached()
      await writes.kill()
      await lost
      await writes.release()
      const again = await claimed(sink, holding)
      await sink.commit(chunkOf(sink, holding, again.checkpoint, [first(holding), first(holding) + 1]))
      expect(await rowsOf(holding)).toHaveLength(2)
    })

    if (traits.replacesRange)
      test('the first chunk replaces what stood in the range, later ones and other ranges keep it', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        const id = first(holding)
        for (const other of [id - 1, id, id + 99, id + 100]) await harness.insert(other)
        const { checkpoint } = await claimed(sink, holding)
        const after = await sink.commit(chunkOf(sink, holding, checkpoint, [id + 1]))
        await harness.insert(id + 50)
        await sink.commit(chunkOf(sink, holding, after, [id + 2], { last: true }))
        expect((await harness.rows(id - 1, id + 101)).map((row) => row.id)).toEqual([
          id - 1,
          id + 1,
          id + 2,
          id + 50,
          id + 100,
        ])
        nextRange += 1
      })

    if (traits.replacesRange)
      test('an empty first chunk empties the range too', async () => {
        const [sink, holding] = [harness.open(leaseMs), partition()]
        await harness.insert(first(holding))
        const { checkpoint } = await claimed(sink, holding)
        await sink.commit(chunkOf(sink, holding, checkpoint, [], { last: true }))
        expect(await rowsOf(holding)).toEqual([])
      })

    test('lists every checkpoint of a run, and of no other', async () => {
      const [sink, runId] = [harness.open(leaseMs), randomUUID()]
      const holdings = [partition({ runId }), partition({ runId, index: 1 })]
      for (const holding of [...holdings, partition()]) await claimed(sink, holding)
      const listed = await sink.checkpoints(runId)
      expect(listed.map(({ partitionId }) => partitionId).sort()).toEqual(
        holdings.map(({ partitionId }) => partitionId).sort(),
      )
      expect(listed.every(({ state, epoch }) => state === 'running' && epoch === 1)).toBe(true)
    })
  })
}
