import type { Checkpoint } from '../contract/checkpoint.ts'
import type { TaskMessage } from '../contract/task.ts'
import type { TaskNote } from './offset-metadata.ts'

/** Offsets between the committed one and the last taken: what offset metadata must be able to carry. */
const windowTasks = 16
const longestSpan = 256

const nothing = (): boolean => false

/**
 * A topic partition of the task topic while this worker holds it: its queue, its running and finished tasks, and the
 * offset that may be committed, which is that of the lowest task not finished. Knows nothing of Kafka or the sink.
 */
export class Lane {
  readonly topicPartition: number
  /** Offset of the next record to take from the topic. */
  position = 0n
  /** Something changed since the last commit. */
  dirty = false
  readonly #queued = new Map<bigint, TaskMessage>()
  readonly #running = new Map<bigint, Checkpoint | undefined>()
  readonly #finished = new Set<bigint>()

  constructor(topicPartition: number) {
    this.topicPartition = topicPartition
  }

  /** Takes up where the last holder stopped: from the committed offset, without what its metadata says is finished. */
  resume(committed: bigint, notes: readonly TaskNote[]): void {
    this.position = committed
    for (const note of notes) if (note.state === 'finished') this.#finished.add(committed + BigInt(note.delta))
  }

  /** A record without work in it, or one that is finished: the offset may pass. */
  pass(offset: bigint): void {
    this.#finished.add(offset)
    this.#reached(offset)
  }

  offer(offset: bigint, task: TaskMessage): void {
    if (!this.#finished.has(offset) && !this.#running.has(offset)) this.#queued.set(offset, task)
    this.#reached(offset)
  }

  /** The oldest task that waits and is not parked, now running; undefined when none does. */
  take(isParked: (task: TaskMessage) => boolean = nothing): { offset: bigint; task: TaskMessage } | undefined {
    for (const [offset, task] of this.#queued) {
      if (isParked(task)) continue
      this.#queued.delete(offset)
      this.#running.set(offset, undefined)
      return { offset, task }
    }
    return undefined
  }

  /** A chunk was committed and told. */
  advance(offset: bigint, checkpoint: Checkpoint): void {
    if (!this.#running.has(offset)) return
    this.#running.set(offset, checkpoint)
    this.dirty = true
  }

  /** The terminal row was read and the event acknowledged: only now may the offset pass. */
  finish(offset: bigint): void {
    if (!this.#running.delete(offset)) return
    this.#finished.add(offset)
    this.dirty = true
  }

  /** The task stopped before its end, or lost its claim: it is not ours to say that it is finished. */
  release(offset: bigint, task: TaskMessage): void {
    if (this.#running.delete(offset)) this.#queued.set(offset, task)
  }

  get waiting(): number {
    return this.#queued.size
  }

  get running(): number {
    return this.#running.size
  }

  /** Tasks between the committed offset and the position. */
  get window(): number {
    return Number(this.position - this.base)
  }

  /**
   * Whether it takes another record. Parked tasks keep their place and hold the offset back, but not the tasks of other
   * runs behind them: while there are some, what counts is the tasks that can be worked on, within the longest span
   * that offset metadata can carry. A paused run with more tasks than that in one lane does hold up what follows it.
   */
  hasRoom(isParked: (task: TaskMessage) => boolean = nothing): boolean {
    if (this.window < windowTasks) return true
    if (this.window >= longestSpan) return false
    let parked = 0
    for (const task of this.#queued.values()) if (isParked(task)) parked += 1
    return parked > 0 && this.waiting - parked + this.running < windowTasks
  }

  /** The offset to commit: of the lowest task not finished. */
  get base(): bigint {
    let base = this.position
    for (const offset of this.#queued.keys()) if (offset < base) base = offset
    for (const offset of this.#running.keys()) if (offset < base) base = offset
    return base
  }

  /** What is committed along with `base`. */
  notes(): TaskNote[] {
    const { base } = this
    const notes: TaskNote[] = []
    for (const offset of this.#finished) {
      if (offset < base) this.#finished.delete(offset)
      else notes.push({ state: 'finished', delta: Number(offset - base) })
    }
    for (const [offset, checkpoint] of this.#running)
      if (checkpoint !== undefined)
        notes.push({
          state: 'running',
          delta: Number(offset - base),
          epoch: checkpoint.epoch,
          sequence: checkpoint.sequence,
          cursor: checkpoint.cursor,
          rows: checkpoint.totals.rowsWritten,
          contentHash: checkpoint.totals.contentHash,
        })
    return notes
  }

  #reached(offset: bigint): void {
    if (offset >= this.position) {
      this.position = offset + 1n
      this.dirty = true
    }
  }
}
