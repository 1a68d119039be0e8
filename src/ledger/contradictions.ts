import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import canonicalize from 'canonicalize'
import type { StatusEvent } from '../contract/status.ts'
import type { KnownFact } from './known-fact.ts'
import type { LedgerState } from './merge.ts'
import { compareTold, type PlacedEvent, toldOf } from './placed-event.ts'

/**
 * In what two tellers of one fact may honestly differ, besides the time: who told it, where the task stood, what was
 * measured, and words. The end of a partition is told by its worker, by the next one that finds the row, or by the
 * supervisor, and all of them read counts, cursor and content hash in the checkpoint row. Why it failed stands there
 * too, unless it was lost: then each says so in words of its own.
 */
const mayDiffer: Partial<Record<StatusEvent['type'], readonly string[]>> = {
  'request.rejected': ['reasons'],
  'run.queued': ['waitsFor'],
  'run.failed': ['reason'],
  'run.completed': ['reason'],
  'run.cancelled': ['reason'],
  'intent.acknowledged': ['atStart'],
  'partition.claimed': ['worker', 'topicPartition'],
  'partition.progressed': ['worker', 'topicPartition', 'timings'],
  'partition.completed': ['worker', 'topicPartition'],
  'partition.failed': ['worker', 'topicPartition', 'reason', 'message', 'attempts'],
  'partition.cancelled': ['worker', 'topicPartition'],
  'partition.republished': ['message'],
  'alert.raised': ['severity', 'message', 'remedy'],
  'alert.resolved': ['severity', 'message'],
  'repair.made': ['message'],
  'worker.lost': ['message'],
}

/** What an event says of its fact: equal for honest copies of one fact. */
export function factHash(event: StatusEvent): string {
  const left = new Set<string>(['at', ...(mayDiffer[event.type] ?? [])])
  const said = Object.fromEntries(Object.entries(event).filter(([field]) => !left.has(field)))
  // What is no Unicode cannot be stored, which the server says; here it is only to be told apart.
  const wellFormed: unknown = JSON.parse(JSON.stringify(said, (_field, value: unknown) => toWellFormed(value)))
  return createHash('sha256')
    .update(canonicalize(wellFormed) ?? '')
    .digest('hex')
}

const toWellFormed = (value: unknown): unknown => (typeof value === 'string' ? value.toWellFormed() : value)

/** One of the things that were told of a fact of which more than one was told; the copy of it that was told first. */
export interface Version {
  readonly eventId: string
  readonly factHash: string
  readonly copy: PlacedEvent
}

/** What was told of one fact, each once; the copies in any order. */
export function versionsOf(eventId: string, copies: readonly PlacedEvent[]): readonly Version[] {
  const versions = new Map<string, Version>()
  for (const copy of copies) {
    const hash = factHash(copy.event)
    const before = versions.get(hash)
    if (before === undefined || compareTold(toldOf(copy), toldOf(before.copy)) < 0)
      versions.set(hash, { eventId, factHash: hash, copy })
  }
  return [...versions.values()]
}

/** Copies of facts of a batch, and of the history, that may be of more than one version. */
export function doubtedCopies(
  { facts, copies }: Pick<LedgerState, 'facts' | 'copies'>,
  known: readonly KnownFact[],
): Map<string, PlacedEvent[]> {
  const doubted = new Map<string, PlacedEvent[]>()
  const doubt = (eventId: string, some: readonly PlacedEvent[]): void => {
    const first = facts.get(eventId)
    doubted.set(eventId, [...(doubted.get(eventId) ?? (first === undefined ? [] : [first])), ...some])
  }
  for (const [eventId, others] of copies) {
    const event = facts.get(eventId)?.event
    if (others.some((other) => !isDeepStrictEqual(other.event, event))) doubt(eventId, others)
  }
  for (const { eventId, other } of known) if (other !== null) doubt(eventId, [other])
  return doubted
}
