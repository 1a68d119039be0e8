import type { PlannedPartition } from '../contract/plan.ts'
import type { KeyKind } from '../contract/range.ts'
import { type Backfill, skip } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { Sink } from '../sink/sink.ts'
import type { Source } from '../source/source.ts'
import { transformRows } from '../work/transform-rows.ts'
import type { ProbedChunk } from './forecast.ts'

export interface ProbeOptions {
  readonly source: Source
  readonly sink: Sink
  readonly backfill: Backfill
  readonly params: AnyRow
  readonly kind: KeyKind
  /** Each is read from its beginning. */
  readonly partitions: readonly PlannedPartition[]
  /** Of them under way at the same time. */
  readonly atOnce: number
  readonly chunksEach: number
}

/**
 * Some chunks as a worker would make them, but written to a temporary table: nothing stays. The first of a partition
 * finds caches cold, as it will in the run. Throws what makes a chunk impossible: better now than in the run.
 */
export async function probe(options: ProbeOptions, signal: AbortSignal): Promise<readonly ProbedChunk[]> {
  const waiting = [...options.partitions]
  const chunks: ProbedChunk[] = []
  const stream = async (): Promise<void> => {
    for (let partition = waiting.shift(); partition !== undefined; partition = waiting.shift())
      chunks.push(...(await probePartition(options, partition, signal)))
  }
  await Promise.all(Array.from({ length: options.atOnce }, stream))
  return chunks
}

async function probePartition(
  { source, sink, backfill, params, kind, chunksEach }: ProbeOptions,
  { index, from, to, locator }: PlannedPartition,
  signal: AbortSignal,
): Promise<ProbedChunk[]> {
  const range = { kind, from, to }
  const context = { params, partition: { index, range }, signal, skip: () => skip }
  const chunks: ProbedChunk[] = []
  let began = performance.now()
  for await (const page of source.read({ range, locator }, null, backfill.limits.chunkRows, signal)) {
    const buffer = sink.buffer(range)
    await transformRows(page.rows, {
      ...{ backfill, context, buffer, after: from, givenUp: signal },
      // Bad rows are the run's business: what is asked here is how long it takes.
      rejectable: Number.POSITIVE_INFINITY,
    })
    const read = performance.now()
    await sink.rehearse(buffer)
    chunks.push({ rows: page.rows.length, readMs: read - began, writeMs: performance.now() - read })
    if (chunks.length === chunksEach || page.last) break
    began = performance.now()
  }
  return chunks
}
