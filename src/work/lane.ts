import type { Checkpoint } from '../contract/checkpoint.ts'
import type { TaskMessage } from '../contract/task.ts'
import { type LaneWindow, type TaskNote, type TaskProgress, taskMark } from './offset-metadata.ts'

/** Offsets between the committed one and the last taken: what offset metadata carries with room to spare. */
const windowTasks = 64
/** The same while tasks are parked: what offset metadata carries when it tells nothing but which tasks are finished. */
const longestSpan = 256
/** While more wait, nothing is fetched: a fetch brings a batch, and what of it finds no room has come for nothing. */
const fewTasks = 16

const never = (): boolean => false

/** A note without its place: that moves with the committed offset. */
type Known = Omit<TaskNote, 'delta'>

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
  /** Offset metadata has no room for more: only the task that holds the offset back may begin. */
  crowded = false
  /** Notes of the last holder about a task that is not the one in the topic: they say nothing, the task runs. */
  foreignNotes = 0
  /** Notes of the last holder that were ahead of the checkpoint row: the row is the truth, and its server went back. */
  leadingNotes = 0
  readonly #queued = new Map<bigint, TaskMessage>()
  readonly #running = new Map<bigint, Checkpoint | undefined>()
  readonly #finished = new Map<bigint, Known | undefined>()
  /** What the last holder noted of tasks that were not begun here: committed again, or it would be lost. */
  readonly #noted = new Map<bigint, Known>()
  readonly #marks = new Map<bigint, string>()

  constructor(topicPartition: number) {
    this.topicPartition = topicPartition
  }

  /** Takes up where the last holder stopped: from the committed offset, with what its metadata says of the tasks behind it. */
  resume(committed: bigint, notes: readonly TaskNote[]): void {
    this.position = committed
    for (const { delta, ...known } of notes) this.#noted.set(committed + BigInt(delta), known)
  }

  /** A record without work in it, or one that is finished: the offset may pass. */
  pass(offset: bigint): void {
    this.#noted.delete(offset)
    this.#finished.set(offset, undefined)
    this.#reached(offset)
  }

  offer(offset: bigint, task: TaskMessage): void {
    if (!this.#finished.has(offset) && !this.#running.has(offset)) this.#queue(offset, task)
    this.#reached(offset)
  }

  #queue(offset: bigint, task: TaskMessage): void {
    const mark = taskMark(task.partitionId)
    this.#marks.set(offset, mark)
    const noted = this.#noted.get(offset)
    if (noted !== undefined && noted.task !== mark) {
      this.#noted.delete(offset)
      this.foreignNotes += 1
    } else if (noted?.state === 'finished') {
      this.#noted.delete(offset)
      this.#finished.set(offset, noted)
      return
    }
    this.#queued.set(offset, task)
  }

  /**
   * The oldest task that waits and is not parked, now running; undefined when none does, or there is no room to note it
   * down. A parked task that holds the offset back makes no room: then notes are shortened, and the others go on.
   */
  take(isParked: (task: TaskMessage) => boolean = never): { offset: bigint; task: TaskMessage } | undefined {
    return this.#takeOf(this.#queued.keys(), isParked)
  }

  /** The same of the tasks that were begun before, here or by the last holder. */
  takeBegun(isParked: (task: TaskMessage) => boolean = never): { offset: bigint; task: TaskMessage } | undefined {
    return this.#noted.size === 0 ? undefined : this.#takeOf(this.#noted.keys(), isParked)
  }

  /** Whether another copy of this task runs: the claim of this one would take the partition from it. */
  #hasCopyRunning(at: bigint): boolean {
    const mark = this.#marks.get(at)
    for (const offset of this.#running.keys()) if (this.#marks.get(offset) === mark) return true
    return false
  }

  #takeOf(
    offsets: Iterable<bigint>,
    isParked: (task: TaskMessage) => boolean,
  ): { offset: bigint; task: TaskMessage } | undefined {
    const only = this.crowded ? this.base : undefined
    const first = only === undefined ? undefined : this.#queued.get(only)
    const onlyFirst = only !== undefined && !(first !== undefined && isParked(first))
    for (const offset of offsets) {
      const task = this.#queued.get(offset)
      if (task === undefined || isParked(task) || (onlyFirst && offset !== only)) continue
      if (this.#hasCopyRunning(offset)) continue
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
    const noted = this.#noted.get(offset)?.progress
    if (noted === undefined) return
    this.#noted.delete(offset)
    if (noted.sequence > checkpoint.sequence || noted.epoch > checkpoint.epoch) this.leadingNotes += 1
  }

  /** The terminal row was read and the event acknowledged: only now may the offset pass. */
  finish(offset: bigint): void {
    const checkpoint = this.#running.get(offset)
    if (!this.#running.delete(offset)) return
    this.#noted.delete(offset)
    const task = this.#marks.get(offset) ?? ''
    const progress = checkpoint === undefined ? undefined : { ...progressOf(checkpoint), cursor: undefined }
    this.#finished.set(offset, { state: 'finished', task, progress })
    this.dirty = true
  }

  /** The task stopped before its end, or lost its claim: it is not ours to say that it is finished. */
  release(offset: bigint, task: TaskMessage): void {
    const checkpoint = this.#running.get(offset)
    if (!this.#running.delete(offset)) return
    if (checkpoint !== undefined)
      this.#noted.set(offset, { state: 'running', task: taskMark(task.partitionId), progress: progressOf(checkpoint) })
    this.#queued.set(offset, task)
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
   * whose finished tasks offset metadata can carry. A paused run with more tasks than that in one lane does hold up
   * what follows it.
   */
  hasRoom(isParked: (task: TaskMessage) => boolean = never): boolean {
    if (!this.crowded && this.window < windowTasks) return true
    if (this.window >= longestSpan) return false
    let parked = 0
    for (const task of this.#queued.values()) if (isParked(task)) parked += 1
    return parked > 0 && this.waiting - parked + this.running < windowTasks
  }

  /** Whether more is to be fetched now: there is room, and little left to work on. */
  wantsMore(isParked: (task: TaskMessage) => boolean = never): boolean {
    let ready = 0
    for (const task of this.#queued.values()) {
      if (!isParked(task)) ready += 1
      if (ready > fewTasks) return false
    }
    return this.hasRoom(isParked)
  }

  /** The offset to commit: of the lowest task not finished. */
  get base(): bigint {
    let base = this.position
    for (const offset of this.#queued.keys()) if (offset < base) base = offset
    for (const offset of this.#running.keys()) if (offset < base) base = offset
    return base
  }

  /** What is committed along with `base`. */
  notes(): LaneWindow {
    const { base } = this
    for (const known of [this.#finished, this.#noted, this.#marks])
      for (const offset of known.keys()) if (offset < base) known.delete(offset)
    const tasks: TaskNote[] = []
    const note = (offset: bigint, known: Known): void => void tasks.push({ ...known, delta: Number(offset - base) })
    // A record without work has no mark: whoever comes next looks at it again.
    for (const [offset, known] of this.#finished) if (known !== undefined) note(offset, known)
    for (const [offset, known] of this.#noted) note(offset, known)
    for (const [offset, checkpoint] of this.#running)
      if (checkpoint !== undefined)
        note(offset, { state: 'running', task: this.#marks.get(offset) ?? '', progress: progressOf(checkpoint) })
    return { taken: this.window, tasks: tasks.sort((a, b) => a.delta - b.delta) }
  }

  #reached(offset: bigint): void {
    if (offset >= this.position) {
      this.position = offset + 1n
      this.dirty = true
    }
  }
}

const progressOf = ({ epoch, sequence, cursor, totals }: Checkpoint): TaskProgress => ({
  epoch,
  sequence,
  rows: totals.rowsWritten,
  contentHash: totals.contentHash,
  cursor,
})
