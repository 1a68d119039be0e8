import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'

/**
 * Where a subscriber goes on: right after the event that it came with. Text to keep and to give back, such as in a column
 * beside what was made of the event. What stands in it is nobody's business, and changes with its version.
 */
export type Bookmark = string

/** What stands in a bookmark. */
export interface Place {
  readonly topic: string
  /** Null: its brokers give topics no ids. */
  readonly topicId: string | null
  /** By topic partition: everything below was handed over. */
  readonly next: readonly bigint[]
  /** But for this one: the end of a run is handed over last, wherever it stands. */
  readonly owed: Spot | null
}

/** Of a record. */
export interface Spot {
  readonly topicPartition: number
  readonly offset: bigint
}

/** The topic as it is now. */
export interface TopicState {
  readonly name: string
  /** Null: its brokers give topics no ids. */
  readonly id: string | null
  /** By topic partition: the first offset that is there, and the one after the last. */
  readonly offsets: readonly { readonly first: bigint; readonly next: bigint }[]
}

const version = '1'
/** A topic of some ten thousand topic partitions. */
const longest = 262_144

const Offset = z.string().regex(/^\d{1,19}$/)
const Written = z.object({
  topic: z.string(),
  id: z.string().nullable(),
  next: z.array(Offset),
  owed: z.tuple([z.int().nonnegative(), Offset]).optional(),
})

export function writeBookmark({ topic, topicId: id, next, owed }: Place): Bookmark {
  const written: z.infer<typeof Written> = { topic, id, next: next.map(String) }
  if (owed !== null) written.owed = [owed.topicPartition, owed.offset.toString()]
  return `${version}:${JSON.stringify(written)}`
}

/** Throws TerminalError (MESSAGE_INVALID, SCHEMA_NEWER) for what is no bookmark, or one of a newer version. */
export function readBookmark(bookmark: Bookmark): Place {
  const shown = JSON.stringify(bookmark.slice(0, 60))
  const [, found, text = ''] = /^(\d+):(.*)$/s.exec(bookmark) ?? []
  if (found === undefined || bookmark.length > longest)
    throw new TerminalError(
      'MESSAGE_INVALID',
      `from is ${shown}: it may be "beginning", "now" or a bookmark of an event`,
    )
  if (found !== version)
    throw new TerminalError(
      'SCHEMA_NEWER',
      `the bookmark ${shown} has version ${found}, and this client knows ${version}: use the Tidemark that wrote it, or a newer one`,
    )
  const written = Written.safeParse(jsonOf(text))
  if (!written.success)
    throw new TerminalError('MESSAGE_INVALID', `the bookmark ${shown} is damaged: ${z.prettifyError(written.error)}`)
  const { topic, id, next, owed } = written.data
  return {
    topic,
    topicId: id,
    next: next.map(BigInt),
    owed: owed === undefined ? null : { topicPartition: owed[0], offset: BigInt(owed[1]) },
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The offset to read a topic partition from, so that all that is owed comes. */
export function offsetOf({ next, owed }: Place, topicPartition: number, first: bigint): bigint {
  // Topic partitions may have been added: everything in them is new.
  const from = next[topicPartition] ?? first
  return owed?.topicPartition === topicPartition && owed.offset < from ? owed.offset : from
}

/** Throws TerminalError (TOPIC_MISMATCH, NOT_FOUND) when the topic cannot go on where the bookmark is, with what is possible. */
export function requirePlace(place: Place, topic: TopicState): void {
  const instead = 'begin with from "beginning" (all that it has now) or "now"'
  const refuse = (why: string): TerminalError => new TerminalError('TOPIC_MISMATCH', why)
  if (place.topic !== topic.name)
    throw refuse(
      `the bookmark is of topic "${place.topic}", and this client follows "${topic.name}": connect with the topicPrefix that it was made with, or ${instead}`,
    )
  if (place.topicId !== null && topic.id !== null && place.topicId !== topic.id)
    throw refuse(
      `topic "${topic.name}" was deleted and made anew since the bookmark, which says nothing of it: ${instead}`,
    )
  const gone: string[] = []
  const beyond: string[] = []
  for (const topicPartition of place.next.keys()) {
    const { first, next } = topic.offsets[topicPartition] ?? { first: 0n, next: 0n }
    const from = offsetOf(place, topicPartition, first)
    if (from < first) gone.push(`${first - from} of topic partition ${topicPartition} (${from} to before ${first})`)
    if (from > next)
      beyond.push(`topic partition ${topicPartition} ends before ${next}, the bookmark goes on at ${from}`)
  }
  if (beyond.length > 0)
    throw refuse(
      `topic "${topic.name}" is not the one of the bookmark, or has lost records with its brokers (${beyond.join('; ')}): ${instead}`,
    )
  if (gone.length > 0)
    throw new TerminalError(
      'NOT_FOUND',
      `records of topic "${topic.name}" after the bookmark are gone, by its retention: ${gone.join(', ')}. Begin with from "beginning", which leaves them out, and take what they said from the ledger (tidemark status RUN); or keep records longer (retention.ms)`,
    )
}

/** Records that were removed before they were read. */
export const recordsLost = (topic: string, { topicPartition, offset }: Spot, first: bigint): TerminalError =>
  new TerminalError(
    'NOT_FOUND',
    `records of topic "${topic}" were removed before they were read: offsets ${offset} to before ${first} of topic partition ${topicPartition}. Read faster than its retention, or keep records longer (retention.ms)`,
  )
