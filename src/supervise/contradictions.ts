import type { About } from '../contract/alert.ts'
import type { StatusEvent } from '../contract/status.ts'
import type { Contradiction } from '../ledger/query/contradictions.ts'
import { condition } from './alert-texts.ts'
import type { Condition } from './alerts.ts'

/** Facts of which more than one thing was told, within the last `withinMs`. */
export function contradictionConditions(
  contradictions: readonly Contradiction[],
  now: Date,
  withinMs: number,
): readonly Condition[] {
  return contradictions.flatMap(({ eventId, versions, recordedAt }) => {
    const [first] = versions
    if (first === undefined || now.getTime() - Date.parse(recordedAt) > withinMs) return []
    const places = versions.map(({ topicPartition, offset }) => `${topicPartition}/${offset}`).join(' and ')
    const message = `${first.event.type} ${eventId} was told in ${versions.length} versions: topic partition and offset ${places}`
    return [condition('eventContradicted', aboutOf(first.event), message)]
  })
}

function aboutOf(event: StatusEvent): About {
  if ('about' in event) return event.about
  return {
    ...('runId' in event ? { runId: event.runId } : {}),
    ...('backfill' in event ? { backfill: event.backfill } : {}),
    ...('partitionId' in event ? { partitionId: event.partitionId } : {}),
    ...('index' in event ? { index: event.index } : {}),
    ...('worker' in event && !('partitionId' in event) ? { worker: event.worker } : {}),
  }
}
