import type { PartitionId, RunId } from '../contract/ids.ts'
import type { LedgerState } from './merge.ts'
import type { Added } from './partition-changes.ts'
import type { PlacedEvent } from './placed-event.ts'
import { addTimings, noTimings, type Timings, timingsOf } from './timings.ts'

/** A fact of a batch that the history has already. */
export interface KnownFact {
  readonly eventId: string
  /** The copy in the history, when it is another one in what it says or is told later; null: nothing is to be done. */
  readonly other: PlacedEvent | null
  /** The copy of the batch was told before the one in the history, and takes its place. */
  readonly isEarlier: boolean
}

/** What the facts that are new to the history add, and how those differ that take the place of the copy it had. */
export function addedBy({ facts }: Pick<LedgerState, 'facts'>, known: readonly KnownFact[]): Added {
  const before = new Map(known.map((fact) => [fact.eventId, fact]))
  const timings = new Map<PartitionId, Timings>()
  const republished = new Map<RunId, number>()
  for (const [eventId, { event }] of facts) {
    const old = before.get(eventId)
    if (old !== undefined && !old.isEarlier) continue
    if (event.type === 'partition.republished' && old === undefined)
      republished.set(event.runId, (republished.get(event.runId) ?? 0) + 1)
    if (event.type !== 'partition.progressed') continue
    const more = addTimings(timingsOf(event), old?.other ? timingsOf(old.other.event) : noTimings, -1)
    timings.set(event.partitionId, addTimings(timings.get(event.partitionId) ?? noTimings, more))
  }
  return { timings, republished }
}
