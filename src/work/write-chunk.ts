import { noTotals } from '../contract/certificate.ts'
import type { Checkpoint } from '../contract/checkpoint.ts'
import { TerminalError } from '../contract/errors.ts'
import type { Backfill, TransformContext } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { Holding, RejectedRow, RowBuffer, Sink } from '../sink/sink.ts'
import type { Page } from '../source/source.ts'
import type { Deadline } from './deadline.ts'
import { spentBudget } from './error-budget.ts'
import type { HoldDeps } from './hold-partition.ts'
import { ended, progressed, type Teller } from './partition-events.ts'
import { withoutRefused } from './refused-rows.ts'
import { type TransformedChunk, type TransformOptions, transformRows } from './transform-rows.ts'

/** What all chunks of one hold have in common. */
export interface Writing {
  readonly deps: HoldDeps
  readonly teller: Teller
  readonly backfill: Backfill
  readonly sink: Sink
  readonly holding: Holding
  /** The partition's upper bound, as claimed. */
  readonly to: string
  readonly context: TransformContext<AnyRow>
  readonly deadline: Deadline
}

/** What of a chunk goes to the sink. */
export interface ReadyChunk extends TransformedChunk {
  readonly buffer: RowBuffer
}

/** One page through transform and sink, and told. Returns the checkpoint as committed. */
export async function writeChunk(
  writing: Writing,
  page: Page,
  before: Checkpoint,
  readMs: number,
  isRead: () => void,
): Promise<Checkpoint> {
  const { deps, teller, backfill, sink, holding, context, deadline } = writing
  const began = performance.now()
  deps.countRead(page.rows.length)
  await deps.mark?.('W2')
  if (page.rows.length > 0 && page.cursor === before.cursor)
    throw new TerminalError(
      'NO_PROGRESS',
      `the source gave ${page.rows.length} rows and the cursor stayed at ${page.cursor}`,
    )
  const options = (buffer: RowBuffer): TransformOptions => ({
    ...{ backfill, context, buffer, givenUp: deadline.signal },
    after: before.cursor ?? `the beginning (${holding.range.from})`,
    rejectable: backfill.limits.maxRejectedRows - before.totals.rowsRejected,
  })
  const buffer = sink.buffer({ ...holding.range, to: writing.to })
  const done = await deadline.within(deps.within(teller.task, () => transformRows(page.rows, options(buffer))))
  isRead()
  const transformed = performance.now()
  const commit = async (ready: ReadyChunk): Promise<Checkpoint> => {
    await requireBudget(writing, ready)
    return sink.commit(chunkOf(writing, page, before, ready))
  }
  const checkpoint = await commit({ ...done, buffer }).catch(async (error: unknown) => {
    // Refused by the server, which says so only of the chunk as a whole.
    if (!(error instanceof TerminalError) || error.code !== 'ROW_INVALID') throw error
    return commit(await withoutRefused(writing, page, before, options))
  })
  const writeMs = performance.now() - transformed
  await deps.mark?.(page.last ? 'W8' : 'W6')
  const timings = {
    readMs: tenths(readMs),
    transformMs: tenths(transformed - began),
    writeMs: tenths(writeMs),
  }
  const events = [progressed(teller, checkpoint, timings)]
  if (page.last) events.push(ended(teller, checkpoint))
  await deps.tell(events)
  await deps.mark?.(page.last ? 'W9' : 'W7')
  return checkpoint
}

const chunkOf = (
  { holding, to }: Writing,
  page: Page,
  before: Checkpoint,
  { buffer, rowsRead, rowsFiltered, rejected }: ReadyChunk,
): Parameters<Sink['commit']>[0] => ({
  ...{ holding, before, to, buffer, rejected },
  cursor: page.cursor,
  last: page.last,
  added: {
    ...noTotals,
    rowsRead,
    rowsFiltered,
    rowsRejected: rejected.length,
    rowsWritten: buffer.rows,
    chunks: 1,
    contentHash: buffer.contentHash.toString(),
  },
})

/**
 * Asked only when a chunk rejects rows, just before it commits: chunks of other partitions that commit at the same
 * moment are not seen, so a run may reject as many more rows as such chunks reject.
 */
async function requireBudget(
  { backfill, sink, holding }: Writing,
  { rowsRead, rejected }: { readonly rowsRead: number; readonly rejected: readonly RejectedRow[] },
): Promise<void> {
  const [first] = rejected
  if (first === undefined) return
  const run = await sink.rejections(holding.runId)
  const spent = spentBudget(backfill.limits, {
    rowsRead: run.rowsRead + rowsRead,
    rowsRejected: run.rowsRejected + rejected.length,
  })
  if (spent !== null)
    throw new TerminalError('ERROR_BUDGET_SPENT', `${spent}; the next one is ${first.position}: ${first.reason}`)
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
