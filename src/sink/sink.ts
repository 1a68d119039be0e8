import type { Totals } from '../contract/certificate.ts'
import type { Checkpoint } from '../contract/checkpoint.ts'
import type { BackfillId, PartitionId, RunId, WorkerId } from '../contract/ids.ts'
import type { Cursor, KeyRange } from '../contract/range.ts'
import type { RowDifference } from '../contract/run-certificate.ts'
import type { AnyRow } from '../define/row-schema.ts'

/** A partition as the plan has it. */
export interface PlannedHolding {
  readonly runId: RunId
  readonly partitionId: PartitionId
  readonly backfill: BackfillId
  readonly index: number
  /** Bounds of the task: a hint for the first claim only, afterwards the row's bounds hold. */
  readonly range: KeyRange
}

/** A partition as its holder presents it. */
export interface Holding extends PlannedHolding {
  readonly worker: WorkerId
  readonly topicPartition: number
}

export type Claim =
  /** This holder has it now, resuming at `checkpoint`; `range` is the row's. */
  | { readonly kind: 'claimed'; readonly checkpoint: Checkpoint; readonly range: KeyRange }
  /** Terminal: nothing to do but to tell it again and to let the offset pass. */
  | { readonly kind: 'finished'; readonly checkpoint: StoredCheckpoint; readonly range: KeyRange }
  /** Somebody else holds it for another topic partition; worth trying again when the lease ends. */
  | { readonly kind: 'held'; readonly holder: string; readonly leaseEndsInMs: number }
  /** The caller may not claim now; nothing was asked of the server. */
  | { readonly kind: 'barred' }

/** A row that could not be written, kept with its reason in the chunk's own transaction. */
export interface RejectedRow {
  /** Text that finds the row: the cursor of its page and its place in it. */
  readonly position: string
  readonly reason: string
  /** The row as JSON text, cut at 8 KiB. */
  readonly row: string
}

/** Rows encoded for the sink, hashed on the way. */
export interface RowBuffer {
  /**
   * Appends a row. Throws RowError, and leaves the buffer as it was, when a value does not fit its column or the row is
   * too large; RetryableError (CHUNK_TOO_LARGE) when the buffer would be.
   */
  add(row: AnyRow): void
  /** Appends all of them or, throwing RowError, none. */
  addAll(rows: readonly AnyRow[]): void
  readonly rows: number
  readonly bytes: number
  /** Sum of the record hashes of the rows added. */
  readonly contentHash: bigint
}

/** A value that does not fit its column, or a row larger than one may be; the message names column, value and what would be right. */
export class RowError extends Error {
  override readonly name = 'RowError'
}

export interface Chunk {
  readonly holding: Holding
  /** As the claim or the last commit returned it: the fence compares epoch, sequence and cursor. */
  readonly before: Checkpoint
  /** Upper bound as claimed: the fence compares it too. */
  readonly to: string
  readonly cursor: Cursor | null
  /** This chunk completes the partition. */
  readonly last: boolean
  /** What this chunk adds; its `chunks` is 1. */
  readonly added: Totals
  readonly buffer: RowBuffer
  readonly rejected: readonly RejectedRow[]
}

/** Why a partition failed for good. */
export interface Failure {
  /** Code of the error, or ATTEMPTS_EXHAUSTED. */
  readonly reason: string
  readonly message: string
  /** Tries that counted, since the partition last got on. */
  readonly attempts: number
  /** Up to three rows that were in hand, as JSON texts without what is redacted. */
  readonly sample: readonly string[]
}

/** A checkpoint row with what the sink knows of how it came about: enough to tell a partition's end again. */
export interface StoredCheckpoint extends Checkpoint {
  /** Who held the partition last, and for which topic partition of the task topic. */
  readonly worker?: WorkerId
  readonly topicPartition?: number
  readonly failure?: Failure
}

/** Writes the rows of a buffer and takes them back: null when they fit, otherwise why the server refuses one of them. */
export type Trial = (buffer: RowBuffer) => Promise<string | null>

export interface Rejections {
  readonly rowsRead: number
  readonly rowsRejected: number
}

/** What a sink writes to. */
export interface SinkTarget {
  /** Server, database and table, however they are reached: two runs with equal ids are never live together. */
  readonly id: string
  /** The same for people: address, database and table. */
  readonly name: string
}

/** Count and content hash of what stands in a range of the sink, re-read by the server itself. */
export interface StoredCertificate {
  readonly rows: number
  readonly contentHash: string
}

/** A partition whose chunks contradict its checkpoint row. */
export interface BrokenChain {
  readonly partitionId: PartitionId
  readonly message: string
}

/**
 * Where rows go, with the partition's checkpoint row in the same transaction. A holder that lost its claim changes
 * nothing: FencedError. An outcome that is not known is RetryableError (OUTCOME_UNKNOWN): claim again, it waits for
 * the transaction in doubt.
 */
export interface Sink {
  /** Of rows with equal keys the last one stands: fewer may be stored than were sent. */
  readonly mergesByKey: boolean
  /** Asked of the server, for an address may change and a server may have several; the table need not exist. */
  target(): Promise<SinkTarget>
  /** Throws TerminalError (SINK_NOT_WRITABLE) with everything that is missing or does not fit. */
  check(signal: AbortSignal): Promise<void>
  /**
   * One statement; raises the epoch when it succeeds. `mayClaim` is asked last thing before it is sent; where it says no
   * the answer is `barred`. Default: it may.
   */
  claim(holding: Holding, mayClaim?: () => boolean): Promise<Claim>
  /**
   * An empty buffer for one chunk of a range. Where the sink owns the range it refuses rows outside of it (RowError). Throws
   * TerminalError (SINK_NOT_WRITABLE) where a range of this kind cannot be owned.
   */
  buffer(range: KeyRange): RowBuffer
  /** Rows, rejected rows and checkpoint in one transaction; returns the checkpoint as committed. */
  commit(chunk: Chunk): Promise<Checkpoint>
  /** Marks the partition failed, under the same fence. */
  fail(holding: Holding, before: Checkpoint, failure: Failure): Promise<StoredCheckpoint>
  /**
   * For finding the rows that the server refuses: a transaction like the chunk's own, rolled back in the end. Nothing
   * of it stays, and a hold that is over is told so: FencedError.
   */
  trial<Result>(
    chunk: Pick<Chunk, 'holding' | 'before' | 'to'>,
    act: (trial: Trial) => Promise<Result>,
  ): Promise<Result>
  /** Writes the rows as a chunk's would be, where nothing stays of them: for telling what that takes. Throws as `commit` does. */
  rehearse(buffer: RowBuffer): Promise<void>
  /** What all partitions of the run have read and rejected so far. */
  rejections(runId: RunId): Promise<Rejections>
  /** Notes down that the partition is to be split, while this worker is its holder. */
  wantSplit(holding: Holding): Promise<void>
  /**
   * Ends what has not ended: `cancelled` where the row is pending or running, and a row of epoch 0 where nobody has
   * claimed the partition, so that a task that comes later finds its end. Waits for chunks in progress: of the last
   * chunk and this, one is first, and the other changes nothing. Returns the row of every partition given, all terminal.
   */
  cancel(partitions: readonly PlannedHolding[]): Promise<readonly StoredCheckpoint[]>
  /**
   * Takes what these workers hold of a run away from them, and lets nobody claim it for so many milliseconds: their chunks
   * change nothing any more. Told again it lasts longer, also for what was taken before. Returns how many partitions it took.
   * Waits for chunks in progress.
   */
  withhold(runId: RunId, workers: readonly WorkerId[], forMs: number): Promise<number>
  /** Lets what is withheld of a run be claimed at once. */
  release(runId: RunId): Promise<void>
  /** Lengthens the lease while a holder waits in place; false when the claim was lost. */
  renew(holding: Holding, epoch: number): Promise<boolean>
  /** Every checkpoint row of a run: the truth the supervisor compares with. */
  checkpoints(runId: RunId): Promise<readonly StoredCheckpoint[]>
  /**
   * What stands in each of these ranges now, which are of one kind, ascending and disjoint; null when the sink has no column
   * that could tell.
   */
  stored(ranges: readonly KeyRange[]): Promise<readonly StoredCertificate[] | null>
  /**
   * Names the rows of a range, at most `limit`, that are not what a buffer of `pages` holds; they come in the order of the
   * range. Null when the sink has no column that could tell.
   */
  differences(range: KeyRange, pages: AsyncIterable<RowBuffer>, limit: number): Promise<readonly RowDifference[] | null>
  /** What the content hash is of, in its order. */
  hashedColumns(): Promise<readonly { readonly name: string; readonly type: string }[]>
  /**
   * Partitions of a run whose chunks are no chain from the beginning to the cursor, or do not add up to their checkpoint row.
   */
  brokenChains(runId: RunId): Promise<readonly BrokenChain[]>
}
