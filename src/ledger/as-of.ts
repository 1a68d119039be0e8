import { z } from 'zod'
import { TerminalError } from '../contract/errors.ts'
import type { TopicRange } from '../status/topic-history.ts'

/** A place of the status topic up to which a ledger is rebuilt, as it was typed. */
export type AsOf =
  /** Everything that was written before. */
  | { readonly kind: 'time'; readonly at: Date }
  /** The next offset of each topic partition that is named; of the others nothing is read. */
  | { readonly kind: 'offsets'; readonly next: ReadonlyMap<number, bigint> }
  /** Of a topic that has one topic partition. */
  | { readonly kind: 'offset'; readonly next: bigint }

const Time = z.iso.datetime({ offset: true })

/** Throws TerminalError (PARAMS_INVALID). */
export function parseAsOf(text: string): AsOf {
  if (/^\d+$/.test(text)) return { kind: 'offset', next: BigInt(text) }
  if (Time.safeParse(text).success) return { kind: 'time', at: new Date(text) }
  const next = new Map<number, bigint>()
  for (const one of text.split(',')) {
    const match = /^\s*(\d{1,6}):(\d{1,18})\s*$/.exec(one)
    if (match === null)
      throw invalid(
        `--as-of "${text}" is neither a time such as 2026-01-31T12:00:00Z nor offsets such as 0:120,1:98, the next of each topic partition`,
      )
    const topicPartition = Number(match[1])
    if (next.has(topicPartition)) throw invalid(`--as-of "${text}" names topic partition ${topicPartition} twice`)
    next.set(topicPartition, BigInt(match[2] ?? 0))
  }
  return { kind: 'offsets', next }
}

const invalid = (message: string): TerminalError => new TerminalError('PARAMS_INVALID', message)

/**
 * What is to be read of each topic partition to stand before the offsets `next`. Throws TerminalError
 * (SOURCE_NOT_READABLE) where they lie before the beginning, beyond the end, or in no topic partition.
 */
export function rangesUpTo(
  topic: string,
  kept: readonly TopicRange[],
  asOf: Exclude<AsOf, { kind: 'time' }>,
): readonly TopicRange[] {
  const next = asOf.kind === 'offsets' ? asOf.next : onlyOne(topic, kept, asOf.next)
  const known = new Set(kept.map(({ topicPartition }) => topicPartition))
  const unknown = [...next.keys()].filter((topicPartition) => !known.has(topicPartition))
  if (unknown.length > 0)
    throw notThere(
      `topic "${topic}" has no topic partition ${unknown.join(', ')}: it has 0 to ${kept.length - 1}, and ends at ${offsetsText(kept)}`,
    )
  const ranges = kept.map(({ topicPartition, from }) => ({ topicPartition, from, to: next.get(topicPartition) ?? 0n }))
  const before = ranges.filter(({ from, to }) => to < from)
  if (before.length > 0)
    throw notThere(
      `--as-of ${offsetsText(before)} lies before the beginning of topic "${topic}", whose retention has removed what was ` +
        `there: the earliest possible is ${offsetsText(kept.map((range) => ({ ...range, to: range.from })))}`,
    )
  const beyond = ranges.filter(({ to }, at) => to > (kept[at]?.to ?? 0n))
  if (beyond.length > 0)
    throw notThere(
      `--as-of ${offsetsText(beyond)} lies beyond the end of topic "${topic}", which is ${offsetsText(kept)}`,
    )
  return ranges
}

function onlyOne(topic: string, kept: readonly TopicRange[], next: bigint): ReadonlyMap<number, bigint> {
  const [only, ...others] = kept
  if (only !== undefined && others.length === 0) return new Map([[only.topicPartition, next]])
  throw notThere(
    `--as-of ${next} does not say of which of the ${kept.length} topic partitions of topic "${topic}": ` +
      `name them, as in ${offsetsText(kept)}, which is the end now`,
  )
}

/**
 * Throws TerminalError (SOURCE_NOT_READABLE) when a time lies in the future, or before the first record of a topic
 * partition whose retention has removed records: what had been told by then, nobody knows any more.
 */
export function requireTime(
  topic: string,
  kept: readonly TopicRange[],
  at: Date,
  { now, firstAt }: { readonly now: Date; readonly firstAt: ReadonlyMap<number, Date> },
): void {
  if (at > now)
    throw notThere(
      `--as-of ${at.toISOString()} lies in the future: topic "${topic}" ends at ${offsetsText(kept)} now, at ${now.toISOString()}`,
    )
  const cut = kept.flatMap(({ topicPartition, from }) => (from > 0n ? (firstAt.get(topicPartition) ?? []) : []))
  const earliest = new Date(Math.max(0, ...cut.map((first) => first.getTime())))
  if (at < earliest)
    throw notThere(
      `--as-of ${at.toISOString()} lies before the beginning of topic "${topic}", whose retention has removed what was ` +
        `there: the earliest possible is ${earliest.toISOString()}`,
    )
}

/** The next offsets as `--as-of` takes them. */
export const offsetsText = (ranges: readonly Pick<TopicRange, 'topicPartition' | 'to'>[]): string =>
  ranges.map(({ topicPartition, to }) => `${topicPartition}:${to}`).join(',')

const notThere = (message: string): TerminalError => new TerminalError('SOURCE_NOT_READABLE', message)
