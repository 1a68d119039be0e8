import type { Checkpoint } from '../contract/checkpoint.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { RejectedRow, RowBuffer, Trial } from '../sink/sink.ts'
import type { Page } from '../source/source.ts'
import { findRefused } from './find-refused.ts'
import { oneTooMany, type RefusedRow, rejectedRow, type TransformOptions, transformRows } from './transform-rows.ts'
import type { ReadyChunk, Writing } from './write-chunk.ts'

type Candidate = Omit<RefusedRow, 'reason'>

/**
 * A chunk that the server refused, without the rows it refuses; those are rejected, each with the server's reason. A
 * source row that gave several rows is rejected whole. The page is transformed again, for only now its rows are kept.
 */
export async function withoutRefused(
  writing: Writing,
  page: Page,
  before: Checkpoint,
  optionsOf: (buffer: RowBuffer) => TransformOptions,
): Promise<ReadyChunk> {
  const { deps, teller, sink, holding, to, deadline } = writing
  const candidates: Candidate[] = []
  const empty = (): RowBuffer => sink.buffer({ ...holding.range, to })
  const options = optionsOf(empty())
  const keep = (place: number, row: AnyRow, results: readonly AnyRow[]): void =>
    // Copies: a transform may give the same object again and again, with other values in it.
    void candidates.push({ place, row, results: results.map((result) => ({ ...result })) })
  const endChunk = deadline.chunk()
  const transforming = deps.within(teller.task, () => transformRows(page.rows, { ...options, keep }))
  const done = await deadline.within(transforming).finally(endChunk)

  const rejected: RejectedRow[] = [...done.rejected]
  const found = ({ item, reason }: { readonly item: Candidate; readonly reason: string }): void => {
    const refused = { ...item, reason }
    if (rejected.length >= options.rejectable) throw oneTooMany(options, refused)
    rejected.push(rejectedRow(options, refused))
  }
  const refusalOf =
    (trial: Trial) =>
    (some: readonly Candidate[]): Promise<string | null> => {
      deadline.signal.throwIfAborted()
      return trial(bufferOf(empty(), some))
    }
  const kept = await sink.trial({ holding, before, to }, (trial) => findRefused(candidates, refusalOf(trial), found))
  await deps.mark?.('W18')
  return { ...done, rejected, buffer: bufferOf(empty(), kept) }
}

function bufferOf(buffer: RowBuffer, candidates: readonly Candidate[]): RowBuffer {
  for (const { results } of candidates) buffer.addAll(results)
  return buffer
}
