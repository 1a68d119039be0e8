import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import type { PartitionId } from '../contract/ids.ts'
import { Cursor, DecimalInteger } from '../contract/range.ts'

/** How far a task is, as its checkpoint row was when it was last told. */
export interface TaskProgress {
  readonly epoch: number
  readonly sequence: number
  /** Rows written. */
  readonly rows: number
  readonly contentHash: string
  /** Null: no row handled yet. Undefined: left out for want of room, or the task is finished. */
  readonly cursor: string | null | undefined
}

/** What is known of one task of a lane's window. */
export interface TaskNote {
  readonly state: 'finished' | 'running'
  /** Distance of the task's offset from the committed one. */
  readonly delta: number
  /** Which task stood there (`taskMark`): a note that is not of the task in the topic says nothing about it. */
  readonly task: string
  /** Undefined when it is not known, or was left out for want of room. */
  readonly progress: TaskProgress | undefined
}

export interface LaneWindow {
  /** Offsets from the committed one up to the last that was taken; those without a note wait. */
  readonly taken: number
  readonly tasks: readonly TaskNote[]
}

/** Brokers refuse more (offset.metadata.max.bytes; Apache Kafka counts UTF-16 units, so all is kept in ASCII). */
export const metadataLimit = 4_096
/** Above it a lane takes no new task until there is room: what runs then can still grow. */
export const metadataGuard = 3_072
const plainLimit = 1_024
const compressed = 'B1.'
/** No window of ours is longer when inflated: what a few characters of a forger inflate to must not fill the memory. */
const inflatedLimit = 262_144

const Mark = z.string().regex(/^[\w-]{8}$/)
const states = ['finished', 'running'] as const
const Entry = z.union([
  z.tuple([z.literal([0, 1]), Count, Mark]),
  z.tuple([z.literal([0, 1]), Count, Mark, Count, Count, Count, DecimalInteger]),
  z.tuple([z.literal([0, 1]), Count, Mark, Count, Count, Count, DecimalInteger, Cursor.nullable()]),
])
const Text = z.object({ v: z.literal(1), taken: Count, tasks: z.array(Entry) })

/** Eight characters that tell one task from another: 48 bits of its partition id's hash. */
export const taskMark = (partitionId: PartitionId): string => hash('sha256', partitionId, 'base64url').slice(0, 8)

export interface EncodedWindow {
  /** Undefined when not even the finished tasks fit: then nothing is committed, and what was committed stays valid. */
  readonly text: string | undefined
  /** The whole window needs more than the guard allows: no new task until there is room. */
  readonly crowded: boolean
}

/**
 * A lane's window as the text that is committed with its offset: JSON when that is short, else `B1.` and the same
 * deflated in base64url. Where it does not fit, cursors go first, then what is known of each task, then the running
 * ones; the marks of finished tasks go last. The checkpoint rows have all of it.
 */
export function encodeOffsetMetadata(window: LaneWindow): EncodedWindow {
  const whole = encode(window.taken, window.tasks)
  const crowded = whole.length > metadataGuard
  if (whole.length <= metadataLimit) return { text: whole, crowded }
  for (const tasks of [
    window.tasks.map(withoutCursor),
    window.tasks.map((note) => ({ ...note, progress: undefined })),
    window.tasks.filter(({ state }) => state === 'finished').map((note) => ({ ...note, progress: undefined })),
  ]) {
    const text = encode(window.taken, tasks)
    if (text.length <= metadataLimit) return { text, crowded }
  }
  return { text: undefined, crowded }
}

const withoutCursor = (note: TaskNote): TaskNote =>
  note.progress === undefined ? note : { ...note, progress: { ...note.progress, cursor: undefined } }

function encode(taken: number, tasks: readonly TaskNote[]): string {
  const json = JSON.stringify({ v: 1, taken, tasks: tasks.map(entryOf) })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant.
  if (json.length <= plainLimit && /^[\x00-\x7f]*$/.test(json)) return json
  return compressed + deflateRawSync(json).toString('base64url')
}

function entryOf({ state, delta, task, progress }: TaskNote): unknown[] {
  const entry: unknown[] = [states.indexOf(state), delta, task]
  if (progress === undefined) return entry
  entry.push(progress.epoch, progress.sequence, progress.rows, progress.contentHash)
  if (progress.cursor !== undefined) entry.push(progress.cursor)
  return entry
}

/** The window of a text; undefined when there is none, or it is foreign, broken or newer: then the checkpoint rows tell. */
export function decodeOffsetMetadata(text: string | null | undefined): LaneWindow | undefined {
  if (text === null || text === undefined || text === '') return undefined
  try {
    const parsed = Text.safeParse(JSON.parse(inflated(text)))
    if (!parsed.success) return undefined
    return { taken: parsed.data.taken, tasks: parsed.data.tasks.map(noteOf) }
  } catch {
    return undefined
  }
}

const inflated = (text: string): string =>
  text.startsWith(compressed)
    ? inflateRawSync(Buffer.from(text.slice(compressed.length), 'base64url'), {
        maxOutputLength: inflatedLimit,
      }).toString()
    : text

function noteOf(entry: z.infer<typeof Entry>): TaskNote {
  const [state, delta, task, epoch, sequence, rows, contentHash, cursor] = entry
  const progress =
    epoch === undefined || sequence === undefined || rows === undefined || contentHash === undefined
      ? undefined
      : { epoch, sequence, rows, contentHash, cursor }
  return { state: state === 0 ? 'finished' : 'running', delta, task, progress }
}
