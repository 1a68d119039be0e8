import type { Intent } from '../../contract/control.ts'
import type { RunId, WorkerId } from '../../contract/ids.ts'
import type { Acknowledgement } from '../../contract/status.ts'
import { compareText } from '../placed-event.ts'

/** The newest intent of a run that a worker obeys, and when it first said so. */
export interface AcknowledgementRecord {
  readonly runId: RunId
  readonly worker: WorkerId
  readonly sequence: number
  readonly intent: Intent
  readonly atStart: boolean
  readonly at: string
}

export function acknowledgementRecord(event: Acknowledgement): AcknowledgementRecord {
  const { runId, worker, sequence, intent, atStart, at } = event
  return { runId, worker, sequence, intent, atStart, at }
}

/** The higher sequence; of one sequence, what was told first. */
export function laterAcknowledgement(
  a: AcknowledgementRecord | undefined,
  b: AcknowledgementRecord,
): AcknowledgementRecord {
  if (a === undefined) return b
  const order =
    a.sequence - b.sequence ||
    compareText(b.at, a.at) ||
    Number(b.atStart) - Number(a.atStart) ||
    compareText(b.intent, a.intent)
  return order < 0 ? b : a
}
