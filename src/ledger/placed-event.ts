import type { StatusEvent } from '../contract/status.ts'

/** A status event and where it stood. */
export interface PlacedEvent {
  readonly event: StatusEvent
  /** In its topic partition of the status topic. */
  readonly offset: string
}

/** When something was told, and where that stands: no two records have both. */
export interface Told {
  readonly at: string
  readonly offset: string
}

export const toldOf = ({ event, offset }: PlacedEvent): Told => ({ at: event.at, offset })

/**
 * Negative when `a` was told first. Of the copies of one fact the first is kept, by the time it gives itself: which of
 * them arrived first depends on who read what.
 */
export const compareTold = (a: Told, b: Told): number => compareText(a.at, b.at) || compareOffsets(a.offset, b.offset)

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** As numbers: they are decimal digits without leading zeros. */
const compareOffsets = (a: string, b: string): number => a.length - b.length || compareText(a, b)
