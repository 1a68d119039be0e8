import type { StatusEvent } from '../contract/status.ts'
import { eventIdOf } from '../status/event-id.ts'
import type { Bookmark } from './bookmark.ts'
import type { EventType } from './read-event.ts'

/** The status events of some types; of all, when none is named. */
export type EventOf<Type extends EventType = EventType> = StatusEvent & { readonly type: Type }

/** A status event, and what a subscriber needs besides. */
export type WatchedEvent<Type extends EventType = EventType> = EventOf<Type> & {
  /** The same for the same fact, however often it is told; the `ce_id` of its record. */
  readonly eventId: string
  /** With it, `from` goes on right after this event. */
  readonly bookmark: Bookmark
}

export function watchedEvent<Type extends EventType>(event: EventOf<Type>, bookmark: Bookmark): WatchedEvent<Type> {
  return { ...event, eventId: eventIdOf(event), bookmark }
}

/** What of the topic is wanted; a field that is left out wants everything. */
export interface EventFilter<Type extends EventType = EventType> {
  readonly runId?: string | undefined
  readonly backfill?: string | undefined
  readonly types?: readonly Type[] | undefined
}

/** Whether an event is of one of the types, and about the run and the backfill. Alerts and repairs may be about one too. */
export function isWanted<Type extends EventType>(
  event: StatusEvent,
  { runId, backfill, types }: EventFilter<Type>,
): event is EventOf<Type> {
  if (types !== undefined && !types.some((type) => type === event.type)) return false
  if (runId !== undefined && runOf(event) !== runId) return false
  return backfill === undefined || backfillOf(event) === backfill
}

function runOf(event: StatusEvent): string | undefined {
  if ('about' in event) return event.about.runId
  return 'runId' in event ? event.runId : undefined
}

function backfillOf(event: StatusEvent): string | undefined {
  if ('about' in event) return event.about.backfill
  if ('report' in event) return event.report.backfill
  return 'backfill' in event ? event.backfill : undefined
}
