import { messageOf } from '../contract/errors.ts'
import type { KeyRange } from '../contract/range.ts'
import type { RowsProof } from '../contract/run-certificate.ts'
import type { TaskMessage } from '../contract/task.ts'
import { type Backfill, skip } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { RowBuffer, Sink } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { transformRows } from '../work/transform-rows.ts'

export interface SentAgainDeps {
  readonly source: Source
  readonly sink: Sink
  readonly backfill: Backfill
  readonly params: AnyRow
}

export interface SourcePartition {
  readonly index: number
  readonly range: KeyRange
  readonly locator: TaskMessage['locator']
}

/**
 * What a worker would send of a partition now: its rows, read and transformed again, chunk by chunk; `total` is of those
 * that were given so far. Rows that cannot be sent are left out, as the run's rejected ones were.
 */
export function sentAgain(
  { source, sink, backfill, params }: SentAgainDeps,
  { index, range, locator }: SourcePartition,
  signal: AbortSignal,
): { readonly pages: AsyncIterable<RowBuffer>; total(): RowsProof } {
  let [rows, hash] = [0, 0n]
  async function* pages(): AsyncGenerator<RowBuffer> {
    const context = { params, partition: { index, range }, signal, skip: () => skip }
    for await (const page of source.read({ range, locator }, null, backfill.limits.chunkRows, signal)) {
      const buffer = sink.buffer(range)
      await transformRows(page.rows, {
        ...{ backfill, context, buffer, after: range.from, givenUp: signal },
        rejectable: Number.POSITIVE_INFINITY,
      })
      rows += buffer.rows
      hash += buffer.contentHash
      yield buffer
      if (page.last) return
    }
  }
  return { pages: pages(), total: () => ({ rows, contentHash: hash.toString() }) }
}

/** The same, only counted and hashed; or why that is not possible. */
export async function sourceTotals(
  deps: SentAgainDeps,
  partition: SourcePartition,
  signal: AbortSignal,
): Promise<RowsProof | { readonly unreadable: string }> {
  try {
    const { pages, total } = sentAgain(deps, partition, signal)
    for await (const _ of pages);
    return total()
  } catch (error) {
    signal.throwIfAborted()
    return { unreadable: messageOf(error) }
  }
}
