import { noTotals } from '../contract/certificate.ts'
import type { Checkpoint } from '../contract/checkpoint.ts'
import { FencedError, TerminalError } from '../contract/errors.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { TaskMessage } from '../contract/task.ts'
import { type Backfill, skip, type TransformContext } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { Mark } from '../process/marks.ts'
import type { Claim, Holding, Sink } from '../sink/sink.ts'
import type { Page, Source } from '../source/source.ts'
import { claimed, ended, progressed, type Teller } from './partition-events.ts'
import { pause } from './pause.ts'
import { transformRows } from './transform-rows.ts'

/** Everything a task needs, opened for its backfill. */
export interface OpenBackfill {
  readonly backfill: Backfill
  readonly hash: string
  readonly source: Source
  readonly sink: Sink
}

export interface HoldDeps {
  /** Throws TerminalError when the backfill is not known to this worker. */
  open(backfillId: string): Promise<OpenBackfill>
  tell(events: readonly StatusEvent[]): Promise<void>
  readonly leaseMs: number
  /** Counts every row taken from a source, also those that are read again. */
  countRead(rows: number): void
  readonly mark?: Mark
}

export type HoldOutcome = 'finished' | 'interrupted'

/**
 * One hold on a partition: claim, chunks, end. The order of effects of a chunk is sink commit, status event
 * acknowledged, then `advanced` (which lets the offset's metadata follow). Throws FencedError when the claim is lost.
 */
export async function holdPartition(
  deps: HoldDeps,
  teller: Teller,
  signal: AbortSignal,
  advanced: (checkpoint: Checkpoint) => void,
): Promise<HoldOutcome> {
  const { task } = teller
  const opened = await deps.open(task.backfill)
  requireSameDefinition(task, opened.hash, teller.worker)
  const { backfill, source, sink } = opened
  const holding = holdingOf(teller)
  const claim = await claimWhenFree(sink, holding, signal)
  if (claim === undefined) return 'interrupted'
  await deps.mark?.('W1')
  if (claim.kind === 'finished') {
    await deps.tell([ended(teller, claim.checkpoint, null)])
    await deps.mark?.('W9')
    return 'finished'
  }
  await deps.tell([claimed(teller, claim.checkpoint, claim.range)])
  advanced(claim.checkpoint)

  const lease = keepLease(sink, holding, claim.checkpoint.epoch, deps.leaseMs)
  const stop = AbortSignal.any([signal, lease.lost])
  const context: TransformContext<AnyRow> = {
    params: backfill.params.parse(task.params) as AnyRow,
    partition: { index: task.index, range: claim.range },
    signal: stop,
    skip: () => skip,
  }
  const writing: Writing = { deps, teller, backfill, sink, holding, to: claim.range.to, context }
  try {
    let before = claim.checkpoint
    let began = performance.now()
    const range = { range: claim.range, locator: task.locator }
    for await (const page of source.read(range, before.cursor, backfill.limits.chunkRows, stop)) {
      before = await writeChunk(writing, page, before, performance.now() - began)
      advanced(before)
      if (page.last) return 'finished'
      if (lease.lost.aborted) break
      if (signal.aborted) return 'interrupted'
      began = performance.now()
    }
  } catch (error) {
    if (signal.aborted || !lease.lost.aborted) throw error
    throw new FencedError('the lease could not be renewed', { cause: error })
  } finally {
    lease.end()
  }
  if (signal.aborted) return 'interrupted'
  if (lease.lost.aborted) throw new FencedError('the lease could not be renewed')
  throw new TerminalError('SOURCE_NOT_READABLE', 'the source ended without a last page')
}

interface Writing {
  readonly deps: HoldDeps
  readonly teller: Teller
  readonly backfill: Backfill
  readonly sink: Sink
  readonly holding: Holding
  readonly to: string
  readonly context: TransformContext<AnyRow>
}

/** One page through transform and sink, and told. Returns the checkpoint as committed. */
async function writeChunk(writing: Writing, page: Page, before: Checkpoint, readMs: number): Promise<Checkpoint> {
  const { deps, teller, backfill, sink, holding, to, context } = writing
  const began = performance.now()
  deps.countRead(page.rows.length)
  await deps.mark?.('W2')
  if (page.rows.length > 0 && page.cursor === before.cursor)
    throw new TerminalError(
      'NO_PROGRESS',
      `the source gave ${page.rows.length} rows and the cursor stayed at ${page.cursor}`,
    )
  const buffer = sink.buffer()
  const rejectable = backfill.limits.maxRejectedRows - before.totals.rowsRejected
  const after = before.cursor ?? `the beginning (${holding.range.from})`
  const done = await transformRows(backfill, page.rows, context, buffer, after, rejectable)
  const transformed = performance.now()
  const checkpoint = await sink.commit({
    holding,
    before,
    to,
    cursor: page.cursor,
    last: page.last,
    added: {
      ...noTotals,
      rowsRead: done.rowsRead,
      rowsFiltered: done.rowsFiltered,
      rowsRejected: done.rejected.length,
      rowsWritten: buffer.rows,
      chunks: 1,
      contentHash: buffer.contentHash.toString(),
    },
    buffer,
    rejected: done.rejected,
  })
  const writeMs = performance.now() - transformed
  await deps.mark?.(page.last ? 'W8' : 'W6')
  const timings = {
    readMs: tenths(readMs),
    transformMs: tenths(transformed - began),
    writeMs: tenths(writeMs),
  }
  const events = [progressed(teller, checkpoint, timings)]
  if (page.last) events.push(ended(teller, checkpoint, null))
  await deps.tell(events)
  await deps.mark?.(page.last ? 'W9' : 'W7')
  return checkpoint
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

function requireSameDefinition(task: TaskMessage, hash: string, worker: string): void {
  if (hash === task.definitionHash) return
  throw new TerminalError(
    'DEFINITION_INVALID',
    `the plan was made with definition ${task.definitionHash.slice(0, 12)} of backfill "${task.backfill}", worker ` +
      `${worker} has ${hash.slice(0, 12)}: give every process the same definitions, then start a new run`,
  )
}

export const holdingOf = ({ worker, task, topicPartition }: Teller): Holding => ({
  runId: task.runId,
  partitionId: task.partitionId,
  backfill: task.backfill,
  index: task.index,
  range: task.range,
  worker,
  topicPartition,
})

/** Waits while somebody else's lease runs; undefined when asked to stop. */
export async function claimWhenFree(
  sink: Sink,
  holding: Holding,
  signal: AbortSignal,
): Promise<Exclude<Claim, { kind: 'held' }> | undefined> {
  while (!signal.aborted) {
    const claim = await sink.claim(holding)
    if (claim.kind !== 'held') return claim
    await pause(Math.min(Math.max(claim.leaseEndsInMs, 100), 5_000), signal)
  }
  return undefined
}

/** Renews the lease while the hold lasts: a source that is slow to answer must not look like a holder that died. */
function keepLease(sink: Sink, holding: Holding, epoch: number, leaseMs: number): { lost: AbortSignal; end(): void } {
  const lost = new AbortController()
  const renewing = setInterval(() => {
    sink.renew(holding, epoch).then(
      (held) => {
        if (!held) lost.abort()
      },
      // Not known: the fence of the next chunk will tell.
      () => {},
    )
  }, leaseMs / 3)
  return { lost: lost.signal, end: () => clearInterval(renewing) }
}
