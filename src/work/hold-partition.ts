import type { Checkpoint } from '../contract/checkpoint.ts'
import { FencedError, TerminalError } from '../contract/errors.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { TaskMessage } from '../contract/task.ts'
import { type Backfill, skip, type TransformContext } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { Mark } from '../process/marks.ts'
import type { Claim, Holding, Sink } from '../sink/sink.ts'
import type { Page, Source } from '../source/source.ts'
import type { DeadLetterLog } from '../status/status-log.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import type { Pace, Took } from './pace.ts'
import { claimed, type Teller } from './partition-events.ts'
import { pause } from './pause.ts'
import { sampleOf } from './sample.ts'
import type { TaskMemory } from './task-memory.ts'
import { tellEnd } from './tell-end.ts'
import { type Writing, writeChunk } from './write-chunk.ts'

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
  readonly deadLetters: DeadLetterLog
  /** Runs the user's function, so that what it leaves behind is known as the task's. */
  within<Result>(task: TaskMessage, work: () => Result): Result
  readonly leaseMs: number
  readonly pace: Pace
  /** False while this worker's lanes may be somebody else's: a claim would take the partition from that one. */
  mayClaim(this: void): boolean
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
  memory: TaskMemory,
  signal: AbortSignal,
  advanced: (checkpoint: Checkpoint) => void,
): Promise<HoldOutcome> {
  const { task } = teller
  const opened = await deps.open(task.backfill)
  requireSameDefinition(task, opened.hash, teller.worker)
  const { sink, backfill } = opened
  const holding = holdingOf(teller)
  const claim = await claimWhenFree(sink, holding, deps.mayClaim, signal)
  if (claim === undefined) return 'interrupted'
  memory.isInDoubt = false
  await deps.mark?.('W1', task.partitionId)
  if (claim.kind === 'finished') {
    await tellEnd(deps, teller, claim.checkpoint)
    await deps.mark?.('W9')
    return 'finished'
  }
  await deps.tell([claimed(teller, claim.checkpoint, claim.range)])
  const follow = (checkpoint: Checkpoint): void => {
    memory.advanced(checkpoint, deps.pace.chunkRows(task.runId, backfill.limits))
    advanced(checkpoint)
  }
  follow(claim.checkpoint)

  const lease = keepLease(sink, holding, claim.checkpoint.epoch, deps.leaseMs)
  const deadline = createDeadline(backfill.limits, memory.workedMs)
  try {
    const hold: Hold = { deps, teller, opened, holding, memory, deadline, lost: lease.lost, signal }
    const outcome = await workThrough(hold, claim, follow)
    if (outcome !== 'lost') return outcome
  } catch (error) {
    if (!signal.aborted && lease.lost.aborted) throw new FencedError('the lease could not be renewed', { cause: error })
    throw deadline.signal.aborted ? deadline.signal.reason : error
  } finally {
    deadline.end()
    memory.workedMs += deadline.workedMs()
    lease.end()
  }
  if (signal.aborted) return 'interrupted'
  throw new FencedError('the lease could not be renewed')
}

interface Hold {
  readonly deps: HoldDeps
  readonly teller: Teller
  readonly opened: OpenBackfill
  readonly holding: Holding
  readonly memory: TaskMemory
  readonly deadline: Deadline
  /** Aborted when the claim is. */
  readonly lost: AbortSignal
  readonly signal: AbortSignal
}

/** Chunk after chunk from the claim on. Reads anew when the size of the chunks has changed. */
async function workThrough(
  hold: Hold,
  claim: Extract<Claim, { kind: 'claimed' }>,
  advanced: (checkpoint: Checkpoint) => void,
): Promise<HoldOutcome | 'lost'> {
  const { deps, teller, holding, memory, deadline, lost, signal } = hold
  const { backfill, source, sink } = hold.opened
  const { task } = teller
  const stop = AbortSignal.any([signal, lost, deadline.signal])
  const context: TransformContext<AnyRow> = {
    params: backfill.params.parse(task.params) as AnyRow,
    partition: { index: task.index, range: claim.range },
    signal: stop,
    skip: () => skip,
  }
  const writing: Writing = { deps, teller, backfill, sink, holding, to: claim.range.to, context, deadline }
  let before = claim.checkpoint
  for (;;) {
    const chunkRows = chunkRowsOf(hold)
    const range = { range: claim.range, locator: task.locator }
    const pages = source.read(range, before.cursor, chunkRows, stop)[Symbol.asyncIterator]()
    try {
      do {
        const took = await turnOf(hold, chunkRows, stop)
        if (stop.aborted || chunkRowsOf(hold) !== chunkRows) {
          took(0)
          if (stop.aborted) return endOf(hold)
          // Tuned while it waited.
          break
        }
        const began = performance.now()
        const isRead = deadline.chunk()
        let page: Page | undefined
        try {
          const next = await deadline.within(pages.next())
          if (next.done === true) return endOf(hold)
          page = next.value
          before = await writeChunk(writing, page, before, performance.now() - began, isRead)
        } catch (error) {
          memory.sample = sampleOf(error, page, backfill.redact)
          throw error
        } finally {
          isRead()
          took(page?.rows.length ?? 0)
        }
        advanced(before)
        if (page.last) return 'finished'
        if (lost.aborted) return 'lost'
        if (signal.aborted) return 'interrupted'
      } while (chunkRowsOf(hold) === chunkRows)
    } finally {
      const closed = Promise.resolve(pages.return?.())
      // One that hangs never answers.
      if (deadline.signal.aborted) closed.catch(() => {})
      else await closed
    }
  }
}

/** Rows of the next chunk, at most: as many as the run may have, or fewer after a failure. */
function chunkRowsOf({ deps, teller, opened, memory }: Hold): number {
  const limit = deps.pace.chunkRows(teller.task.runId, opened.backfill.limits)
  return Math.min(memory.chunkRows ?? limit, limit)
}

/** Waits until the run's rate lets the next chunk begin. The lease is kept meanwhile, and no limit of time runs. */
async function turnOf({ deps, teller, opened, deadline }: Hold, rows: number, stop: AbortSignal): Promise<Took> {
  const turn = deps.pace.turn(teller.task.runId, opened.backfill.limits, rows, stop)
  return turn === undefined ? () => {} : deadline.resting(turn)
}

/** The source gave no last page: it was told to stop, or it breaks its promise. */
function endOf({ signal, lost }: Hold): HoldOutcome | 'lost' {
  if (signal.aborted) return 'interrupted'
  if (lost.aborted) return 'lost'
  throw new TerminalError('SOURCE_NOT_READABLE', 'the source ended without a last page')
}

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

const askAgainMs = 100

/** Waits while somebody else's lease runs, or may be running; undefined when asked to stop. */
export async function claimWhenFree(
  sink: Sink,
  holding: Holding,
  mayClaim: () => boolean,
  signal: AbortSignal,
): Promise<Exclude<Claim, { kind: 'held' | 'barred' }> | undefined> {
  while (!signal.aborted) {
    const claim = await sink.claim(holding, mayClaim)
    if (claim.kind === 'barred') await pause(askAgainMs, signal)
    else if (claim.kind === 'held') await pause(Math.min(Math.max(claim.leaseEndsInMs, askAgainMs), 5_000), signal)
    else return claim
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
