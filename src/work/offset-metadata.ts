import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import { Cursor, DecimalInteger } from '../contract/range.ts'

/** What is known of one task of a lane's window, at its distance from the committed offset. */
export const TaskNote = z.discriminatedUnion('state', [
  z.object({ state: z.literal('finished'), delta: Count }),
  z.object({
    state: z.literal('running'),
    delta: Count,
    epoch: Count,
    sequence: Count,
    cursor: Cursor.nullable(),
    rows: Count,
    contentHash: DecimalInteger,
  }),
])
export type TaskNote = z.infer<typeof TaskNote>

/** Brokers refuse more than 4,096 (offset.metadata.max.bytes, in characters); ours stay well below. */
export const metadataLimit = 3_072

const version = '1:'
const Finished = z.tuple([Count])
const Running = z.tuple([Count, Count, Count, Cursor.nullable(), Count, DecimalInteger])
const Text = z.array(z.union([Running, Finished]))

/**
 * The checkpoints of a lane as the text that is committed with its offset: `1:` and a JSON array, one entry a task:
 * `[delta]` finished, `[delta, epoch, sequence, cursor, rows, contentHash]` running. What does not fit is left out
 * from the running ones at the end, then from the finished ones: the checkpoint rows have it all, the text is a hint.
 */
export function encodeOffsetMetadata(notes: readonly TaskNote[]): string {
  const entries = [...notes]
    .sort((a, b) => (a.state === b.state ? a.delta - b.delta : a.state === 'finished' ? -1 : 1))
    .map((note) =>
      JSON.stringify(
        note.state === 'finished'
          ? [note.delta]
          : [note.delta, note.epoch, note.sequence, note.cursor, note.rows, note.contentHash],
      ),
    )
  let text = ''
  for (const entry of entries) {
    if (version.length + text.length + entry.length + 3 > metadataLimit) break
    text += text === '' ? entry : `,${entry}`
  }
  return `${version}[${text}]`
}

/** The notes of a text; undefined when there is none, or it is foreign, broken or newer: then the checkpoint rows tell. */
export function decodeOffsetMetadata(text: string | null | undefined): readonly TaskNote[] | undefined {
  if (!text?.startsWith(version)) return undefined
  let json: unknown
  try {
    json = JSON.parse(text.slice(version.length))
  } catch {
    return undefined
  }
  const parsed = Text.safeParse(json)
  if (!parsed.success) return undefined
  return parsed.data.map((entry): TaskNote => {
    if (entry.length === 1) return { state: 'finished', delta: entry[0] }
    const [delta, epoch, sequence, cursor, rows, contentHash] = entry
    return { state: 'running', delta, epoch, sequence, cursor, rows, contentHash }
  })
}
