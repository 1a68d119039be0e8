import type { RunId } from '../contract/ids.ts'
import { idNamespace } from '../status/event-id.ts'
import { namedUuid } from '../status/named-uuid.ts'

const once = ['run.planned', 'run.completed', 'run.failed', 'run.cancelled', 'run.archived'] as const
const sequenced = ['run.paused', 'run.resumed', 'run.cancelling', 'run.tuned'] as const

/**
 * Ids of all that can have been told of a run as a whole, up to a control sequence: what an event's id is made of is
 * known, so that the few are found among millions of its partitions' (statusIdentity in contract/status.ts).
 */
export function runEventIds(runId: RunId, upToSequence: number): string[] {
  const ids = once.map((type) => idOf(type, runId))
  for (let sequence = 1; sequence <= upToSequence; sequence += 1)
    for (const type of sequenced) ids.push(idOf(type, runId, sequence))
  return ids
}

const idOf = (...identity: readonly (string | number)[]): string => namedUuid(identity.join('|'), idNamespace)
